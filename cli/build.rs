//! Test binaries find libtorch with no LD_LIBRARY_PATH: torch-sys, a direct dependency for this
//! reason, tells where it linked it from.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Ok(libraries) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        // Through the link in third_party to the shared cache, which outlives this checkout.
        let libraries = std::fs::canonicalize(&libraries).unwrap_or_else(|_| libraries.into());
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", libraries.display());
    }
}
