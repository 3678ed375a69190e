//! Packing: what is sealed is made small before, because nothing that is sealed can be made small any more.
//!
//! LZ4, which takes a few microseconds. A conversation says most things twice (an answer is in the log and in what was
//! saved of it), and its records are too short to repeat names often, so packing begins with [`WORDS`] as if they had
//! just been written: what the flows and the hotel's tools call things. They are part of the form and never change;
//! other words are another form.

use super::Fault;

/// Not packed: packing would not have made it smaller.
const PLAIN: u8 = 0;

/// LZ4 after [`WORDS`].
const PACKED: u8 = 1;

const WORDS: &[u8] = include_bytes!("pack-1.txt");

/// Nothing that was packed is longer.
const MOST: usize = 1 << 30;

/// The form of an unpacked record's length before a packed record's bytes, and of all numbers inside records: seven bits
/// a byte, the lowest first.
pub(super) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A number and the bytes after it.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(place).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(place + 1..)?));
        }
    }
    None
}

/// Packs a record.
pub(super) fn pack(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(plain.len() + 8);
    packed.push(PACKED);
    put_number(&mut packed, plain.len() as u64);
    let head = packed.len();
    packed.resize(head + lz4_flex::block::get_maximum_output_size(plain.len()), 0);
    let room = packed.get_mut(head..).unwrap_or_default();
    match lz4_flex::block::compress_into_with_dict(plain, room, WORDS) {
        Ok(length) if head + length <= plain.len() => packed.truncate(head + length),
        Ok(_) | Err(_) => {
            packed.clear();
            packed.push(PLAIN);
            packed.extend_from_slice(plain);
        }
    }
    packed
}

/// Unpacks a record; `what` it is.
pub(super) fn unpack(what: &'static str, packed: &[u8]) -> Result<Vec<u8>, Fault> {
    let fault = || Fault::Packed { what };
    match packed.split_first().ok_or_else(fault)? {
        (&PLAIN, plain) => Ok(plain.to_vec()),
        (&PACKED, rest) => {
            let (length, block) = number(rest).ok_or_else(fault)?;
            let length = usize::try_from(length).ok().filter(|length| *length <= MOST).ok_or_else(fault)?;
            let plain = lz4_flex::block::decompress_with_dict(block, length, WORDS).map_err(|_| fault())?;
            if plain.len() == length { Ok(plain) } else { Err(fault()) }
        }
        _ => Err(fault()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{number, pack, put_number, unpack};

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(plain in proptest::collection::vec(any::<u8>(), 0..2000), again in 0..4_usize) {
            let plain = plain.repeat(again);
            let packed = pack(&plain);
            prop_assert!(packed.len() <= plain.len() + 1);
            prop_assert_eq!(unpack("it", &packed).expect("unpacked"), plain);
        }

        #[test]
        fn whatever_is_unpacked_is_a_fault_or_something(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            // A length that is not to be believed must not be made room for; the seal keeps all others out.
            bytes.truncate(4);
            let _ = unpack("it", &bytes);
        }

        #[test]
        fn numbers_are_read_back(value in any::<u64>()) {
            let mut bytes = Vec::new();
            put_number(&mut bytes, value);
            bytes.push(7);
            prop_assert_eq!(number(&bytes), Some((value, [7].as_slice())));
        }
    }

    #[test]
    fn what_the_flows_and_tools_call_things_takes_little_room() {
        let answer = br#"{"rooms":[{"offer_id":"a1","room_id":"r9","name":"Sea double","view":"sea"}]}"#;
        assert!(pack(answer).len() < answer.len() * 2 / 3, "{}", pack(answer).len());
    }
}
