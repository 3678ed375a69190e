"""Writes TwiML with Twilio's own library: each element by the method that makes it. JSON in, JSON out.

An element that the library does not know, or an attribute that its method has no parameter for, is an error.
"""

import inspect
import json
import re
import sys

from twilio.twiml.voice_response import VoiceResponse


def words(name):
    """camelCase as the library's methods and parameters have it."""
    return re.sub(r"([A-Z])", r"_\1", name).lower().lstrip("_")


# What an element's text is called.
TEXT = {"Say": "message", "Dial": "number", "Redirect": "url"}


def fill(parent, children):
    for child in children:
        method = getattr(parent, words(child["name"]))
        known = inspect.signature(method).parameters
        # A few parameters are named as their attributes.
        given = {name if name in known else words(name): value for name, value in child["attributes"].items()}
        if child["text"]:
            given[TEXT[child["name"]]] = child["text"]
        unknown = set(given) - set(known)
        if unknown:
            sys.exit(f"<{child['name']}> has no {unknown}")
        fill(method(**given), child["children"])


documents = []
for root in json.load(sys.stdin):
    response = VoiceResponse()
    fill(response, root["children"])
    documents.append(str(response))
json.dump(documents, sys.stdout)
