//! How long an Ogg file with Opus plays, and whether all of it is there: by its pages, RFC 3533 and RFC 7845.

use std::time::Duration;

/// What a page begins with.
const CAPTURE: &[u8] = b"OggS";

/// The head of a page, up to the number of its segments.
const HEAD: usize = 27;

/// Opus counts samples at this rate, whatever was recorded.
const SAMPLES_PER_SECOND: u64 = 48_000;

/// The file ends in the middle of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CutOff;

/// How long a file plays; `None` where it is not Ogg with Opus.
pub(super) fn length(file: &[u8]) -> Result<Option<Duration>, CutOff> {
    if !file.starts_with(CAPTURE) {
        return Ok(None);
    }
    let (mut rest, mut end, mut opus) = (file, 0, false);
    while !rest.is_empty() {
        if !rest.starts_with(CAPTURE) {
            // Something else follows; what came before can be played.
            break;
        }
        let head = rest.get(..HEAD).ok_or(CutOff)?;
        let segments = usize::from(head[HEAD - 1]);
        let table = rest.get(HEAD..HEAD + segments).ok_or(CutOff)?;
        let size = table.iter().map(|length| usize::from(*length)).sum::<usize>();
        let body = rest.get(HEAD + segments..HEAD + segments + size).ok_or(CutOff)?;
        opus |= body.starts_with(b"OpusHead");
        let granule = head[6..14].iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
        // No packet ends on a page with this number.
        if granule != u64::MAX {
            end = granule;
        }
        rest = &rest[HEAD + segments + size..];
    }
    Ok(opus.then(|| Duration::from_secs(end / SAMPLES_PER_SECOND)))
}

#[cfg(test)]
mod tests {
    use super::{CutOff, length};
    use std::time::Duration;

    fn page(granule: u64, body: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0\0".to_vec();
        page.extend(granule.to_le_bytes());
        page.extend([0; 12]);
        page.push(1);
        page.push(u8::try_from(body.len()).expect("a short body"));
        page.extend(body);
        page
    }

    #[test]
    fn a_file_plays_up_to_its_last_page() {
        let file = [page(0, b"OpusHead"), page(48_000 * 7, b"x"), page(u64::MAX, b"y")].concat();
        assert_eq!(length(&file), Ok(Some(Duration::from_secs(7))));
        assert_eq!(length(&file[..file.len() - 1]), Err(CutOff));
        assert_eq!(length(&page(1, b"vorbis")), Ok(None));
        assert_eq!(length(b"ID3 and an MP3"), Ok(None));
    }
}
