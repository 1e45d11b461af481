//! Makes sure that the console's folder exists, so that the hub builds on a machine without node; it then serves a page that
//! says how to build the console.

fn main() -> std::io::Result<()> {
    let console = "../../web/dist";
    std::fs::create_dir_all(console)?;
    println!("cargo::rerun-if-changed={console}");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
