"""Signs forms with Twilio's own library, and says what it thinks of given signatures. JSON in, JSON out."""

import json
import sys

from twilio.request_validator import RequestValidator

answers = []
for asked in json.load(sys.stdin):
    validator = RequestValidator(asked["token"])
    form = dict(asked["form"])
    answers.append({
        "signature": validator.compute_signature(asked["url"], form),
        "believes": validator.validate(asked["url"], form, asked["signature"]),
    })
json.dump(answers, sys.stdout)
