//! Who calls, by what Twilio says about a call.

use super::super::form::Form;
use super::super::read::WHATSAPP;
use crate::channel::line::Caller;
use crate::message::{GuestIds, GuestKey, e164};

/// What is shown instead of a number that is withheld: letters on a telephone's keys, as Twilio documents them.
const WITHHELD: [&str; 7] =
    ["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+464", "+2666966870"];

/// Who calls. WhatsApp vouches for its numbers; what a telephone displays is proof of nothing, and is a guest of its
/// own. Whoever shows no number is a guest for this call alone.
pub(super) fn caller(form: &Form, call_sid: &str) -> Caller {
    let from = form.get("From").unwrap_or_default().trim();
    let line = form.get("To").map(str::to_owned);
    if let Some(address) = from.strip_prefix(WHATSAPP) {
        let number = e164(address);
        let scoped = form.get("ExternalUserId").or(Some(from));
        let guest = GuestIds::on_whatsapp(scoped, number.as_deref())
            .or_else(|| GuestIds::on_whatsapp(Some(from), None))
            .unwrap_or_else(|| unknown(call_sid));
        return Caller { guest, verified: number.clone(), displayed: number, line };
    }
    let displayed = e164(from).filter(|number| !WITHHELD.contains(&number.as_str()));
    let guest = match &displayed {
        Some(number) => GuestIds::Other(GuestKey::displayed(number)),
        None => unknown(call_sid),
    };
    Caller { guest, verified: None, displayed, line }
}

fn unknown(call_sid: &str) -> GuestIds {
    GuestIds::Other(GuestKey::new(format!("call:{call_sid}")))
}

#[cfg(test)]
mod tests {
    use super::super::super::form::Form;
    use super::caller;

    #[test]
    fn only_whatsapp_vouches_for_a_number() {
        let cases = [
            ("whatsapp:+34600000001", "whatsapp:+34600000001", Some("+34600000001"), Some("+34600000001")),
            ("whatsapp:ES.77", "whatsapp:ES.77", None, None),
            ("+34600000001", "phone:+34600000001", None, Some("+34600000001")),
            ("anonymous", "call:CA1", None, None),
            ("+266696687", "call:CA1", None, None),
            ("sip:ana@example.com", "call:CA1", None, None),
            ("", "call:CA1", None, None),
        ];
        for (from, key, verified, displayed) in cases {
            let form = Form::of([("From", from.to_owned()), ("To", "+14155238886".to_owned())]);
            let caller = caller(&form, "CA1");
            assert_eq!(caller.guest.preferred().as_str(), key, "{from}");
            assert_eq!(
                (caller.verified.as_deref(), caller.displayed.as_deref()),
                (verified, displayed),
                "{from}"
            );
            assert_eq!(caller.line.as_deref(), Some("+14155238886"));
        }
    }
}
