// Signs forms with Twilio's own library, and says what it thinks of given signatures. JSON in, JSON out.
const { getExpectedTwilioSignature, validateRequest } = require("twilio/lib/webhooks/webhooks");
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = asked.map(({ token, url, form, signature }) => {
  const fields = Object.fromEntries(form);
  return {
    signature: getExpectedTwilioSignature(token, url, fields),
    believes: validateRequest(token, signature, url, fields),
  };
});
process.stdout.write(JSON.stringify(answers));
