/**
 * Slack's markup (https://docs.slack.dev/messaging/formatting-message-text): text in, template out.
 *
 * A text is first cut into tokens: characters, and what must not be looked into any more (code, links, mentions).
 * Marks are then looked for between tokens, so "*<https://example.com|label>*" is a bold link.
 * @module
 */
import { html } from '../vendor/lit-html.js';
import { broadcast, channel, group, link, person, safeAddress } from './links.js';
import { date } from './dates.js';
import { emojiIn } from './emoji.js';

const unescape = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/**
 * @param {string} text
 * @param {import('./blocks.js').Ctx} ctx
 * @param {{verbatim?: boolean}} [how]  verbatim: bare addresses do not become links
 */
export function mrkdwn(text, ctx, how = {}) {
  const parts = text.split(/```([^]+?)```/);
  return parts.map((part, i) => {
    if (i % 2) return html`<pre class="kit-pre">${inCode(part.replace(/^\n|\n$/g, ''), ctx)}</pre>`;
    // A fenced block stands on lines of its own: the breaks around it are part of the fence.
    const [before, after] = [i > 0 ? /^\n/ : '', i < parts.length - 1 ? /\n$/ : ''];
    return lines(part.replace(before, '').replace(after, ''), ctx, how);
  });
}

/** Cuts out the quotes: lines that begin with ">", or everything after ">>>". */
function lines(text, ctx, how) {
  const out = [];
  let plain = [];
  let quoted = [];
  const flush = () => {
    if (plain.length) out.push(inline(plain.join('\n'), ctx, how));
    if (quoted.length)
      out.push(html`<blockquote class="kit-quote">${inline(quoted.join('\n'), ctx, how)}</blockquote>`);
    plain = [];
    quoted = [];
  };
  const all = text.split('\n');
  for (const [i, line] of all.entries()) {
    const [, sign, rest] = /^((?:>|&gt;){3}|(?:>|&gt;))? ?([^]*)$/.exec(line);
    if (sign?.replaceAll('&gt;', '>') === '>>>') {
      flush();
      quoted = [rest, ...all.slice(i + 1)];
      break;
    }
    if (Boolean(sign) !== quoted.length > 0) flush();
    if (sign) quoted.push(rest);
    else plain.push(line);
  }
  flush();
  return out;
}

const pieces = /`([^`\n]+)`|<([^<>\n]+)>|https?:\/\/[^\s<>|`]+/g;

function inline(text, ctx, how) {
  const tokens = [];
  let done = 0;
  for (const match of text.matchAll(pieces)) {
    const [whole, code, inner] = match;
    let shown = whole;
    let node;
    if (code) node = html`<code class="kit-code">${inCode(code, ctx)}</code>`;
    else if (inner) node = reference(inner, ctx);
    else if (!how.verbatim) {
      shown = withoutEnd(whole);
      node = link(unescape(shown), unescape(shown));
    }
    if (!node) continue;
    tokens.push(...text.slice(done, match.index), { node });
    done = match.index + shown.length;
  }
  tokens.push(...text.slice(done));
  return marked(tokens);
}

/** A sentence goes on after a bare address; a parenthesis belongs to it if it was opened in it. */
function withoutEnd(address) {
  let shown = address.replace(/[.,:;!?'"*_~]+$/, '');
  const count = (sign) => shown.split(sign).length;
  for (let extra = count(')') - count('('); extra > 0 && shown.endsWith(')'); extra--) {
    shown = shown.slice(0, -1).replace(/[.,:;!?'"*_~]+$/, '');
  }
  return shown;
}

/** In code only what stands in <...> has a meaning. */
function inCode(text, ctx) {
  return text.split(/<([^<>\n]+)>/).map((part, i) => (i % 2 ? reference(part, ctx) : unescape(part)));
}

const wordy = (token) => typeof token === 'string' && /[\p{L}\p{N}]/u.test(token);
const blank = (token) => token === undefined || (typeof token === 'string' && /\s/.test(token));

const styles = {
  '*': (inner) => html`<b>${inner}</b>`,
  _: (inner) => html`<i>${inner}</i>`,
  '~': (inner) => html`<s>${inner}</s>`,
};

/** Makes pairs of marks bold, italic or struck; the rest is text with emoji. */
function marked(tokens) {
  const out = [];
  let plain = '';
  const flush = () => {
    if (plain) out.push(emojiIn(unescape(plain)));
    plain = '';
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const end = Object.hasOwn(styles, token) ? closing(tokens, i) : -1;
    if (end > 0) {
      flush();
      out.push(styles[token](marked(tokens.slice(i + 1, end))));
      i = end;
    } else if (token.node) {
      flush();
      out.push(token.node);
    } else {
      plain += token;
    }
  }
  flush();
  return out;
}

/**
 * The index of the mark that ends what the mark at i begins, -1 if it begins nothing: the first begins a word and
 * the second ends one, on the same line. So feature_x_y stays as it is.
 */
function closing(tokens, i) {
  const mark = tokens[i];
  if (wordy(tokens[i - 1]) || blank(tokens[i + 1]) || tokens[i + 1] === mark) return -1;
  for (let j = i + 2; j < tokens.length && tokens[j] !== '\n'; j++) {
    if (tokens[j] === mark && !blank(tokens[j - 1]) && !wordy(tokens[j + 1])) return j;
  }
  return -1;
}

/**
 * What stands between < and >: a mention, a date, a link.
 *
 * @param {string} inner
 * @param {import('./blocks.js').Ctx} ctx
 */
export function reference(inner, ctx) {
  const bar = inner.indexOf('|');
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? '' : unescape(inner.slice(bar + 1));
  if (target.startsWith('@')) return person(target.slice(1), label, ctx);
  if (target.startsWith('#')) return channel(target.slice(1), label, ctx);
  if (target.startsWith('!subteam^')) return group(target.slice('!subteam^'.length), label);
  if (target.startsWith('!date^')) {
    const [, seconds, format, ...url] = target.split('^');
    return date({ timestamp: Number(seconds), format, url: unescape(url.join('^')), fallback: label }, ctx);
  }
  if (target.startsWith('!')) return broadcast(label || target.slice(1));
  const url = unescape(target);
  if (!safeAddress(url)) return unescape(`<${inner}>`);
  return link(url, label ? emojiIn(label) : url.replace(/^mailto:/, ''));
}
