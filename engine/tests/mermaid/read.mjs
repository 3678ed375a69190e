// Reads a list of drawings from standard input and says, as JSON, what Mermaid makes of each.
import { JSDOM } from "jsdom";

// Mermaid cleans the texts of a drawing with the means of a page.
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

/** The states and arrows of a document and of all documents in it. */
function tell(document, told) {
  for (const statement of document) {
    if (statement.stmt === "relation") {
      told.arrows += 1;
      told.labels.push(decoded(statement.description ?? ""));
    }
    if (statement.doc) {
      if (statement.type !== "divider") told.groups += 1;
      tell(statement.doc, told);
    }
  }
}

/** Mermaid's own form of the characters that a drawing writes as numbers. */
function decoded(text) {
  const element = window.document.createElement("p");
  element.innerHTML = text.replaceAll("ﬂ°°", "&#").replaceAll("ﬂ°", "&").replaceAll("¶ß", ";");
  return element.textContent;
}

/** The names in a document and in all documents in it. */
function states(document, names) {
  for (const statement of document) {
    const named = statement.stmt === "relation" ? [statement.state1, statement.state2] : [statement];
    for (const state of named) {
      if (state.stmt === "state" && state.type !== "divider" && state.start === undefined) names.add(state.id);
      if (state.doc) states(state.doc, names);
    }
  }
  return names;
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
const found = [];
for (const drawing of JSON.parse(text)) {
  try {
    await mermaid.parse(drawing);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(drawing);
    const told = { arrows: 0, groups: 0, labels: [] };
    const document = db.getRootDocV2().doc;
    tell(document, told);
    found.push({ ...told, states: [...states(document, new Set())] });
  } catch (error) {
    found.push({ error: String(error) });
  }
}
console.log(JSON.stringify(found));
process.exit(0);
