@echo off
rem Starts the capture of this computer's Windows: run it there as an administrator.
rem Written by capmedia. What the LaunchMedia.cmd of Configuration Manager does is not published;
rem put your own on the media with --template.
setlocal EnableExtensions DisableDelayedExpansion

rem The folder of this file, with its backslash: a drive, a folder or \\server\share. Nothing is
rem written there, and it is not made the current folder, which a share could not be.
set "MEDIA=%~dp0"

rem A 32-bit program sees a 32-bit Windows; the second variable then has the truth.
set "MACHINE=%PROCESSOR_ARCHITECTURE%"
if defined PROCESSOR_ARCHITEW6432 set "MACHINE=%PROCESSOR_ARCHITEW6432%"
set "OWN="
if /i "%MACHINE%"=="AMD64" set "OWN=x64" & set "ALL=x64 i386"
if /i "%MACHINE%"=="ARM64" set "OWN=arm64" & set "ALL=arm64 x64 i386"
if /i "%MACHINE%"=="x86" set "OWN=i386" & set "ALL=i386"
if not defined OWN goto unknown

set "PROGRAM="
for %%F in (%ALL%) do call :look %%F TSMBAutoRun.exe
for %%F in (%ALL%) do call :look %%F OsdCaptureCD.exe
if not defined PROGRAM goto missing
echo Starting "%PROGRAM%"
"%PROGRAM%"
exit /b %ERRORLEVEL%

:missing
echo This media cannot start the capture from within Windows. It lacks this file:
echo   "%MEDIA%SMS\bin\%OWN%\TSMBAutoRun.exe"
echo or OsdCaptureCD.exe in its place, programs of your Configuration Manager site. Make the
echo media again and name the folder of the site's files: capmedia create ... --runtime FOLDER
call :stay
exit /b 2

:unknown
echo This media is for x86, x64 and ARM64 computers. This one says that it is
echo "%MACHINE%" in PROCESSOR_ARCHITECTURE.
call :stay
exit /b 50

rem Finds a program, unless one was found. Not in the body of FOR: a path of the media that has its
rem variable in it would be rewritten there.
:look
if defined PROGRAM exit /b 0
if exist "%MEDIA%SMS\bin\%1\%2" set "PROGRAM=%MEDIA%SMS\bin\%1\%2"
exit /b 0

rem Keeps the window of a double click open for a while. Does nothing where there is no keyboard.
:stay
"%SystemRoot%\System32\timeout.exe" /t 30 2>nul
exit /b 0
