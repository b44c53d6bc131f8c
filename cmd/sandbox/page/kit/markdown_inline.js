/**
 * Standard Markdown within a line.
 * @module
 */
import { html } from '../vendor/lit-html.js';
import { emojiIn } from './emoji.js';
import { link } from './links.js';
import { reference } from './mrkdwn.js';

const pieces = new RegExp(
  [
    String.raw`\\(?<escaped>[!-/:-@[-\x60{-~])`,
    String.raw`(?<fence>\x60+)(?<code>[^]*?[^\x60])\k<fence>(?!\x60)`,
    String.raw`!?\[(?<label>[^\]\n]*)\]\((?<target>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+"[^"\n]*")?\)`,
    String.raw`<(?<inner>(?:https?:|mailto:|[@#!])[^<>\n]+)>`,
    String.raw`\*\*(?=\S)(?<bold>[^]*?\S)\*\*`,
    String.raw`(?<![\p{L}\p{N}])__(?=\S)(?<bold2>[^]*?\S)__(?![\p{L}\p{N}])`,
    String.raw`~~(?=\S)(?<struck>[^]*?\S)~~`,
    String.raw`\*(?=[^\s*])(?<italic>(?:[^*]|\*\*[^*]+\*\*)*?[^\s*])\*(?!\*)`,
    String.raw`(?<![\p{L}\p{N}])_(?=[^\s_])(?<italic2>[^_]*?[^\s_])_(?![\p{L}\p{N}])`,
    String.raw`(?<url>https?://[^\s<>|\x60]*[^\s<>|\x60.,:;!?)'"*_~])`,
  ].join('|'),
  'gu',
);

/**
 * @param {string} text
 * @param {import('./blocks.js').Ctx} ctx
 */
export function inline(text, ctx) {
  const out = [];
  let done = 0;
  for (const match of text.matchAll(pieces)) {
    out.push(emojiIn(text.slice(done, match.index)), node(match.groups, ctx));
    done = match.index + match[0].length;
  }
  out.push(emojiIn(text.slice(done)));
  return out;
}

function node(found, ctx) {
  const { escaped, code, label, target, inner, bold2, struck, italic2, url } = found;
  const bold = found.bold ?? bold2;
  const italic = found.italic ?? italic2;
  if (escaped) return escaped;
  if (code) return html`<code class="kit-code">${code.trim()}</code>`;
  if (target !== undefined) return link(target, label ? inline(label, ctx) : target);
  if (inner) return reference(inner, ctx);
  if (bold) return html`<b>${inline(bold, ctx)}</b>`;
  if (italic) return html`<i>${inline(italic, ctx)}</i>`;
  if (struck) return html`<s>${inline(struck, ctx)}</s>`;
  return link(url, url);
}
