/**
 * Emoji by Slack's short names, ":wave:", with a skin tone after it, ":wave::skin-tone-3:".
 * @module
 */
import { html } from '../vendor/lit-html.js';

const table = new Map(Object.entries(await load()));

/** Without the table, names stay as they are: a poorer page, but a page. */
async function load() {
  try {
    return await (await fetch(new URL('../vendor/emoji.json', import.meta.url))).json();
  } catch {
    return {};
  }
}

/**
 * The characters of an emoji, "" for a name that Slack does not know (or that a workspace made itself).
 *
 * @param {string} name  "wave", or "wave::skin-tone-3"
 */
export function character(name) {
  const [base, tone] = name.split('::skin-tone-');
  const found = table.get(base) ?? '';
  if (!found || !tone) return found;
  const [first, ...rest] = found;
  // The modifier replaces the sign that asks for the coloured form; what is joined to a person stays behind it.
  if (rest[0] === '\uFE0F') rest.shift();
  return first + String.fromCodePoint(0x1f3f9 + Number(tone)) + rest.join('');
}

/**
 * Splits a text into strings and emoji. A colon that ends one name may begin the next: "10:30:tada:" has one emoji.
 *
 * @param {string} text
 * @returns {(string|{name: string, character: string})[]}
 */
function split(text) {
  const parts = [];
  const pattern = /:([^\s:]+(?:::skin-tone-[2-6])?):/gu;
  let done = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const found = character(match[1]);
    if (!found) {
      pattern.lastIndex -= 1;
      continue;
    }
    parts.push(text.slice(done, match.index), { name: match[1], character: found });
    done = pattern.lastIndex;
  }
  parts.push(text.slice(done));
  return parts;
}

/**
 * Plain text with ":name:" replaced by characters: a string, for titles and labels.
 *
 * @param {string} text
 * @returns {string}
 */
export const emoji = (text) =>
  split(text)
    .map((part) => part.character ?? part)
    .join('');

/**
 * A plain_text object as a string, "" for none.
 *
 * @param {{text: string, emoji?: boolean}} [object]
 */
export const plain = (object) => (object?.emoji === false ? object.text : emoji(object?.text ?? ''));

/** One emoji for a template, named for those who hear it. */
export const emojiNode = (name, shown) =>
  html`<span class="kit-emoji" role="img" aria-label=${name.replaceAll('_', ' ')} title=":${name}:">${shown}</span>`;

/**
 * Plain text with ":name:" replaced by emoji, for templates.
 *
 * @param {string} text
 */
export const emojiIn = (text) => split(text).map((part) => (part.name ? emojiNode(part.name, part.character) : part));
