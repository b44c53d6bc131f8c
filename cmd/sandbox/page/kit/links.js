/**
 * What leads elsewhere from within a text: links, and mentions of people, channels and groups.
 * @module
 */
import { html } from '../vendor/lit-html.js';

/**
 * The address if it is one that a text may lead to, else "". What comes from outside never runs as script.
 *
 * @param {string} url
 */
export function safeAddress(url) {
  try {
    return ['http:', 'https:', 'mailto:'].includes(new URL(url).protocol) ? url : '';
  } catch {
    return '';
  }
}

/**
 * A link that opens in a new tab; only its label where the address is not one to follow.
 *
 * @param {string} url
 * @param {*} label  anything for a template
 */
export function link(url, label) {
  const href = safeAddress(url);
  if (!href) return html`${label}`;
  return html`<a class="kit-link" href=${href} target="_blank" rel="noopener noreferrer">${label}</a>`;
}

/**
 * @param {string} id
 * @param {string} label  what the text itself calls them
 * @param {import('./blocks.js').Ctx} ctx
 */
export function person(id, label, ctx) {
  const me = ctx.store.me() === id;
  const name = ctx.store.user(id)?.name || label || id;
  return html`<span class=${me ? 'kit-mention kit-mention-me' : 'kit-mention'}>@${name}</span>`;
}

export function group(id, label) {
  return html`<span class="kit-mention">@${(label || id).replace(/^@/, '')}</span>`;
}

/** @here, @channel and @everyone. */
export const broadcast = (range) => html`<span class="kit-mention kit-mention-me">@${range}</span>`;

/**
 * @param {string} id
 * @param {string} label
 * @param {import('./blocks.js').Ctx} ctx
 */
export function channel(id, label, ctx) {
  const known = ctx.store.channel(id);
  const name = `#${known?.name || label || id}`;
  if (!known) return html`<span class="kit-mention">${name}</span>`;
  return html`<button type="button" class="kit-mention" @click=${() => ctx.openChannel(id)}>${name}</button>`;
}
