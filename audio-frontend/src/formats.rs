//! Which formats are read, and by what.

use std::path::Path;

/// What decodes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Symphonia, and libopus for Opus: always there.
    Symphonia,
    /// An installed `ffmpeg` program.
    Ffmpeg,
}

/// A family of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// What people call it.
    pub name: &'static str,
    /// File name extensions that are looked for in folders.
    pub extensions: &'static [&'static str],
    /// What reads it.
    pub reader: Reader,
    /// Codecs inside of it.
    pub codecs: &'static str,
}

/// All families. The content of a file decides; extensions only tell which files to look at.
pub const FORMATS: &[Format] = &[
    symphonia("WAV", &["wav", "wave", "bwf", "rf64"], "PCM 8 to 32 bit, float 32 and 64, A-law, µ-law, ADPCM; RF64"),
    symphonia("AIFF", &["aif", "aifc", "aiff"], "PCM, float, A-law, µ-law"),
    symphonia("CAF", &["caf"], "PCM, ALAC"),
    symphonia("FLAC", &["flac"], "FLAC"),
    symphonia("MPEG audio", &["mp1", "mp2", "mp3"], "layers 1, 2 and 3"),
    symphonia("AAC", &["aac"], "AAC-LC in ADTS (mono and stereo)"),
    symphonia("MP4", &["m4a", "m4b", "mp4"], "AAC-LC (mono and stereo), ALAC, MP3, FLAC, Opus"),
    symphonia("Ogg", &["oga", "ogg", "opus"], "Vorbis, FLAC, Opus (mono and stereo)"),
    symphonia("Matroska", &["mka", "webm"], "Vorbis, Opus, FLAC, AAC-LC, MP3, PCM"),
    ffmpeg("Windows Media", &["asf", "wma"], "WMA 1 and 2, Pro, Lossless"),
    ffmpeg("WavPack", &["wv"], "WavPack"),
    ffmpeg("Monkey's Audio", &["ape"], "APE"),
    ffmpeg("True Audio", &["tta"], "TTA"),
    ffmpeg("Musepack", &["mpc", "mp+", "mpp"], "SV7, SV8"),
    ffmpeg("Dolby and DTS", &["ac3", "dts", "eac3"], "AC-3, E-AC-3, DTS"),
    ffmpeg("DSD", &["dff", "dsf"], "DSD"),
    ffmpeg("others", &["3gp", "amr", "au", "mov", "ra", "snd", "spx", "tak", "w64"], "what ffmpeg knows"),
];

const fn symphonia(name: &'static str, extensions: &'static [&'static str], codecs: &'static str) -> Format {
    Format { name, extensions, reader: Reader::Symphonia, codecs }
}

const fn ffmpeg(name: &'static str, extensions: &'static [&'static str], codecs: &'static str) -> Format {
    Format { name, extensions, reader: Reader::Ffmpeg, codecs }
}

impl Reader {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Symphonia => "Symphonia",
            Self::Ffmpeg => "ffmpeg",
        }
    }
}

/// File name extensions taken for audio when a folder is walked, in lower case.
pub fn audio_extensions() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().flat_map(|format| format.extensions.iter().copied())
}

/// Whether a file's name promises audio.
pub fn has_audio_extension(path: &Path) -> bool {
    format_named(path).is_some()
}

/// Whether a file's name promises a format that only ffmpeg reads.
pub fn needs_ffmpeg(path: &Path) -> bool {
    format_named(path).is_some_and(|format| format.reader == Reader::Ffmpeg)
}

fn format_named(path: &Path) -> Option<&'static Format> {
    let extension = path.extension()?.to_str()?;
    FORMATS.iter().find(|format| format.extensions.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_promises_a_format_whatever_its_case() {
        assert!(has_audio_extension(Path::new("a/Song.FLAC")));
        assert!(!has_audio_extension(Path::new("a/cover.jpg")));
        assert!(!has_audio_extension(Path::new("a/flac")));
        assert!(needs_ffmpeg(Path::new("old.Wma")));
        assert!(!needs_ffmpeg(Path::new("new.opus")));
    }
}
