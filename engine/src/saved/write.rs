//! Writing the compact form: what postcard reads, at the end of bytes that are there already.
//!
//! Writing is on the way of every turn, and most of what is written is JSON: so it is done here, without a check whether
//! there is room for each byte and a result for each number. The tests hold both forms together.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Puts a value at the end of bytes.
pub(super) fn put<T: Serialize + ?Sized>(bytes: &mut Vec<u8>, value: &T) -> Result<(), postcard::Error> {
    value.serialize(&mut Writer { bytes })
}

/// A number, the lowest seven bits first.
#[inline]
pub(super) fn number(bytes: &mut Vec<u8>, number: u64) {
    if number < 0x80 { bytes.push(number as u8) } else { large(bytes, number) }
}

#[inline(never)]
fn large(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A number that may be below zero: small ones of either sign are short.
#[inline]
fn signed(bytes: &mut Vec<u8>, value: i64) {
    number(bytes, (value.wrapping_shl(1) ^ (value >> 63)) as u64);
}

/// Text behind its length.
#[inline]
pub(super) fn text(bytes: &mut Vec<u8>, text: &[u8]) {
    number(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

struct Writer<'b> {
    bytes: &'b mut Vec<u8>,
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = postcard::Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), postcard::Error> {
        self.bytes.push(u8::from(value));
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), postcard::Error> {
        self.bytes.push(value.to_le_bytes()[0]);
        Ok(())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), postcard::Error> {
        signed(self.bytes, value.into());
        Ok(())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), postcard::Error> {
        signed(self.bytes, value.into());
        Ok(())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), postcard::Error> {
        signed(self.bytes, value);
        Ok(())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), postcard::Error> {
        self.bytes.push(value);
        Ok(())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), postcard::Error> {
        number(self.bytes, value.into());
        Ok(())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), postcard::Error> {
        number(self.bytes, value.into());
        Ok(())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), postcard::Error> {
        number(self.bytes, value);
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), postcard::Error> {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), postcard::Error> {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), postcard::Error> {
        text(self.bytes, value.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), postcard::Error> {
        text(self.bytes, value.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), postcard::Error> {
        text(self.bytes, value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), postcard::Error> {
        self.bytes.push(0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), postcard::Error> {
        self.bytes.push(1);
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), postcard::Error> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), postcard::Error> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
    ) -> Result<(), postcard::Error> {
        number(self.bytes, index.into());
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), postcard::Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), postcard::Error> {
        number(self.bytes, index.into());
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self, postcard::Error> {
        let length = length.ok_or(postcard::Error::SerializeSeqLengthUnknown)?;
        number(self.bytes, length as u64);
        Ok(self)
    }

    #[inline]
    fn serialize_tuple(self, _length: usize) -> Result<Self, postcard::Error> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Self, postcard::Error> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, postcard::Error> {
        number(self.bytes, index.into());
        Ok(self)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Self, postcard::Error> {
        self.serialize_seq(length)
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Self, postcard::Error> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, postcard::Error> {
        number(self.bytes, index.into());
        Ok(self)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), postcard::Error> {
        self.serialize_str(&value.to_string())
    }
}

/// Parts of something follow each other.
macro_rules! parts {
    ($($part:ident $method:ident),* $(,)?) => {
        $(impl $part for &mut Writer<'_> {
            type Ok = ();
            type Error = postcard::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), postcard::Error> {
                value.serialize(&mut **self)
            }

            #[inline]
            fn end(self) -> Result<(), postcard::Error> {
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

/// The same of parts with names, which are not written.
macro_rules! named_parts {
    ($($part:ident),*) => {
        $(impl $part for &mut Writer<'_> {
            type Ok = ();
            type Error = postcard::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _name: &'static str,
                value: &T,
            ) -> Result<(), postcard::Error> {
                value.serialize(&mut **self)
            }

            #[inline]
            fn end(self) -> Result<(), postcard::Error> {
                Ok(())
            }
        })*
    };
}

named_parts!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for &mut Writer<'_> {
    type Ok = ();
    type Error = postcard::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), postcard::Error> {
        key.serialize(&mut **self)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), postcard::Error> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<(), postcard::Error> {
        Ok(())
    }
}
