//! The program of the guide, docs/embedding.md: it is the example, and it does what it says.

use std::fs;

use capmedia::sample;

use crate::support::Workshop;

#[allow(dead_code, reason = "its main is for one who reads it")]
#[path = "../../examples/embedding.rs"]
mod program;

#[test]
fn the_page_shows_the_example() {
    let (page, example) = (
        include_str!("../../../../docs/embedding.md"),
        include_str!("../../examples/embedding.rs"),
    );
    let (_, shown) = page.split_once("```rust\n").unwrap();
    let (shown, _) = shown.split_once("```\n").unwrap();
    let begin = example.find("use std").unwrap();
    assert_eq!(shown, &example[begin..], "copy the example into docs/embedding.md");
    assert_eq!(shown.lines().count(), 20, "the page says so");
}

#[test]
fn it_makes_a_disc_and_tells_what_is_wrong() {
    let workshop = Workshop::new();
    let boot_image = workshop.put("own.wim", sample::boot_image().unwrap());
    let disc = workshop.path("own.iso");
    program::make(&boot_image, &disc).unwrap();
    assert!(fs::metadata(&disc).unwrap().len() > 1 << 20);
    // An image that is there is not replaced.
    let error = program::make(&boot_image, &disc).unwrap_err();
    assert!(error.to_string().contains("own.iso"), "{error}");
    let error = program::make(std::path::Path::new(""), &disc).unwrap_err();
    assert!(error.to_string().contains("boot-image"), "{error}");
}
