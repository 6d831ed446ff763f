# Starts the servers of the folder $1 and ends them, and the folder, when standard input ends: when
# the task that holds its other end is done, fails or is killed. The leader of a process group of its
# own, in which all servers stay. $2 is the system's account that they run as. It is ours when this is
# not root.
cd "$1" || exit
account=$2
as=
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=$account --regid=$(id -g "$account") --clear-groups"
fi

# $as pdbedit stores the password that it reads twice. What it says holds no secret.
if $as pdbedit --configfile="$1/smb/smb.conf" --password-from-stdin --create --user="$account" \
    <smb/password >smb/out 2>&1; then :; else echo "pdbedit: $?" >smb/ended; fi
rm -f smb/password

# Where a server has ended, the file `ended` says so.
start() {
    name=$1
    shift
    { trap : TERM; $as "$@"; echo "$1: $?" >"$name/ended"; } </dev/null >>"$name/out" 2>&1 &
}
start smb smbd --foreground --no-process-group --log-basename="$1/smb/log" \
    --configfile="$1/smb/smb.conf"
start nginx nginx -e "$1/nginx/error.log" -c "$1/nginx/nginx.conf"
NTLM_USER_FILE=$1/apache/ntlm.users
export NTLM_USER_FILE
start apache apache2 -D FOREGROUND -f "$1/apache/httpd.conf"

while read -r _; do :; done

trap '' TERM
kill -TERM 0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -e smb/ended ] && [ -e nginx/ended ] && [ -e apache/ended ] && break
    sleep 0.1
done
cd / && rm -rf "$1"
# What is left of them, and this shell.
kill -KILL 0
