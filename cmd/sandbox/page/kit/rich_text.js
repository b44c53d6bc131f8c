/**
 * Rich text (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block): elements in, template out.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { broadcast, channel, group, link, person } from './links.js';
import { character, emojiNode } from './emoji.js';
import { date } from './dates.js';

/**
 * The elements of a rich_text block.
 *
 * @param {Object[]} elements
 * @param {import('./blocks.js').Ctx} ctx
 */
export function richText(elements, ctx) {
  return (elements ?? []).map((part) => (parts[part.type] ?? unknown)(part, ctx));
}

const parts = {
  rich_text_section: (part, ctx) => html`<div class="kit-rich">${inline(part, ctx)}</div>`,
  rich_text_quote: (part, ctx) => html`<blockquote class="kit-quote">${inline(part, ctx)}</blockquote>`,
  rich_text_preformatted: (part, ctx) => html`<pre class="kit-pre">${inline(part, ctx)}</pre>`,
  rich_text_list: list,
};

const unknown = (part) => html`<div class="kit-rich">${part.text ?? `(${part.type})`}</div>`;

function list(part, ctx) {
  // A list that is indented is a list of its own in Slack; the indent says how deep it stands.
  const depth = Math.min(part.indent ?? 0, 8);
  const look = `kit-list kit-indent-${depth} kit-level-${depth % 3} ${part.border ? 'kit-bordered' : ''}`;
  const items = part.elements.map((item) => html`<li>${inline(item, ctx)}</li>`);
  if (part.style !== 'ordered') return html`<ul class=${look}>${items}</ul>`;
  return html`<ol class=${look} start=${1 + (part.offset ?? 0)}>${items}</ol>`;
}

function inline(part, ctx) {
  return (part.elements ?? []).map((element) => styled(element.style, word(element, ctx)));
}

function word(element, ctx) {
  switch (element.type) {
    case 'link':
      return link(element.url, element.text || element.url);
    case 'emoji':
      return anEmoji(element);
    case 'user':
      return person(element.user_id, '', ctx);
    case 'usergroup':
      return group(element.usergroup_id, '');
    case 'channel':
      return channel(element.channel_id, '', ctx);
    case 'broadcast':
      return broadcast(element.range);
    case 'date':
      return date(element, ctx);
    case 'color':
      return colour(element.value);
    default:
      return element.text ?? element.team_id ?? nothing;
  }
}

/** Slack's name first; "unicode" is for emoji newer than the table. */
function anEmoji({ name, unicode = '', skin_tone: tone }) {
  const full = tone ? `${name}::skin-tone-${tone}` : name;
  const points = unicode.split('-').map((point) => parseInt(point, 16));
  const real = points.every((point) => point <= 0x10ffff);
  const shown = character(full) || (real ? String.fromCodePoint(...points) : '');
  return shown ? emojiNode(full, shown) : `:${name}:`;
}

function colour(value) {
  if (!/^#[0-9a-f]{3,8}$/i.test(value)) return value;
  return html`<span class="kit-colour"><span class="kit-swatch" .style=${`background:${value}`}></span>${value}</span>`;
}

function styled(style, inner) {
  if (!style) return inner;
  let out = inner;
  if (style.code) out = html`<code class="kit-code">${out}</code>`;
  if (style.bold) out = html`<b>${out}</b>`;
  if (style.italic) out = html`<i>${out}</i>`;
  if (style.strike) out = html`<s>${out}</s>`;
  if (style.underline) out = html`<u>${out}</u>`;
  if (style.highlight || style.client_highlight) out = html`<mark class="kit-mark">${out}</mark>`;
  return out;
}
