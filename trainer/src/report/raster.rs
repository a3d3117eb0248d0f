//! Pictures of one pixel a value: the colours of a scale, written as a PNG inside of the page.
//!
//! A spectrogram as SVG would be tens of thousands of elements.

/// Colours of viridis (Smith and van der Walt 2015) at tenths of the scale. Its lightness rises evenly,
/// so that it reads without colour too.
const ANCHORS: [[u8; 3]; 11] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x24, 0x75],
    [0x41, 0x44, 0x87],
    [0x35, 0x5f, 0x8d],
    [0x2a, 0x78, 0x8e],
    [0x21, 0x91, 0x8c],
    [0x22, 0xa8, 0x84],
    [0x44, 0xbf, 0x70],
    [0x7a, 0xd1, 0x51],
    [0xbd, 0xdf, 0x26],
    [0xfd, 0xe7, 0x25],
];

/// The pixel that lets the page behind the picture through.
pub(super) const CLEAR: u8 = 0;

/// The pixel of a value's share of the scale; outside of 0 to 1 it is the nearer end's.
pub(super) fn pixel(share: f64) -> u8 {
    // The first colour of the palette is the clear one. A cast saturates, and makes 0 of what is no number.
    1 + (share.clamp(0.0, 1.0) * 254.0).round() as u8
}

/// The whole scale, low to high, as a picture one pixel high.
pub(super) fn scale() -> Option<String> {
    let pixels: Vec<u8> = (pixel(0.0)..=pixel(1.0)).collect();
    picture(pixels.len(), 1, &pixels)
}

/// Pixels row by row from the top as a `data:` address. `None` where their number is not width × height,
/// or where a picture cannot be as large.
pub(super) fn picture(width: usize, height: usize, pixels: &[u8]) -> Option<String> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette());
    // Opacity of the palette's first colours; the others are opaque.
    encoder.set_trns(vec![0]);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(format!("data:image/png;base64,{}", data_encoding::BASE64.encode(&file)))
}

/// The clear colour, then 255 from low to high.
fn palette() -> Vec<u8> {
    let colours = (0..255).flat_map(|level| colour(f64::from(level) / 254.0));
    [0; 3].into_iter().chain(colours).collect()
}

fn colour(share: f64) -> [u8; 3] {
    let place = share * (ANCHORS.len() - 1) as f64;
    let below = (place as usize).min(ANCHORS.len() - 2);
    let (from, to) = (ANCHORS[below], ANCHORS[below + 1]);
    let mix = |channel: usize| {
        let (from, to) = (f64::from(from[channel]), f64::from(to[channel]));
        (from + (to - from) * (place - below as f64)).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

/// A picture read again: width, height and pixels.
#[cfg(test)]
pub(super) fn read(address: &str) -> (usize, usize, Vec<u8>) {
    let file = data_encoding::BASE64.decode(address.strip_prefix("data:image/png;base64,").unwrap().as_bytes());
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file.unwrap()));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width as usize, info.height as usize, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_the_shares_in_255_steps() {
        assert_eq!([0.0, 0.5, 1.0].map(pixel), [1, 128, 255]);
        assert_eq!([-3.0, 7.0, f64::NAN].map(pixel), [1, 255, 1]);
    }

    #[test]
    fn colours_are_the_anchors_and_what_is_between() {
        assert_eq!(colour(0.0), [0x44, 0x01, 0x54]);
        assert_eq!(colour(1.0), [0xfd, 0xe7, 0x25]);
        // Halfway from 0x44, 0x01, 0x54 to 0x48, 0x24, 0x75; halves are rounded up.
        assert_eq!(colour(0.05), [0x46, 0x13, 0x65]);
    }

    #[test]
    fn colours_get_lighter_all_along() {
        // Relative luminance as WCAG has it.
        let luminance = |colour: &[u8]| {
            let linear = |channel: u8| ((f64::from(channel) / 255.0 + 0.055) / 1.055).powf(2.4);
            0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
        };
        let lightness: Vec<f64> = palette().chunks(3).skip(1).map(luminance).collect();
        assert_eq!(lightness.len(), 255);
        // Channels are whole numbers, so that neighbours may be alike.
        assert!(lightness.windows(3).all(|three| three[0] < three[2]));
    }

    #[test]
    fn a_picture_holds_its_pixels_and_only_the_first_colour_is_clear() {
        let pixels = [CLEAR, 1, 2, 3, 254, 255];
        let address = picture(3, 2, &pixels).unwrap();
        assert_eq!(read(&address), (3, 2, pixels.to_vec()));
        let file = data_encoding::BASE64.decode(address.split(',').next_back().unwrap().as_bytes()).unwrap();
        assert!(file.windows(9).any(|chunk| chunk == [0, 0, 0, 1, b't', b'R', b'N', b'S', 0]));
        assert_eq!(read(&scale().unwrap()), (255, 1, (1..=255).collect()));
    }

    #[test]
    fn a_wrong_number_of_pixels_makes_no_picture() {
        for (width, height) in [(2, 2), (0, 0), (0, 3), (usize::MAX, 1)] {
            assert_eq!(picture(width, height, &[1; 3]), None, "{width} × {height}");
        }
    }
}
