/**
 * Legacy attachments (https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments).
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { blocks } from './blocks.js';
import { date } from './dates.js';
import { link } from './links.js';
import { picture } from './media.js';
import { mrkdwn } from './text.js';
import { guarded } from './unknown.js';

const named = { good: 'kit-good', warning: 'kit-warning', danger: 'kit-bad' };

/**
 * Draws attachments one under the other, each with its bar.
 *
 * @param {Object[]} list
 * @param {import('./blocks.js').Ctx} ctx
 */
export const attachments = (list, ctx) =>
  html`${(list ?? []).map((one) => guarded('Attachment', one, () => attachment(one, ctx)))}`;

function attachment(one, ctx) {
  const hex = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(one.color ?? '')?.[1];
  const part = (look, words) => (words ? html`<div class=${look}>${words}</div>` : nothing);
  const styled = (words) => words && mrkdwn(words, ctx);
  const empty = !['title', 'text', 'blocks', 'fields', 'image_url', 'author_name'].some((name) => one[name]?.length);
  return html`${part('kit-text', styled(one.pretext))}
    <div class="kit-attachment">
      <div class="kit-bar ${named[one.color] ?? ''}" .style=${hex ? `background:#${hex}` : ''}></div>
      <div class="kit-attachment-body">
        ${part('kit-attachment-author', one.author_name && link(one.author_link, one.author_name))}
        ${part('kit-attachment-title', one.title && link(one.title_link, styled(one.title)))}
        ${part('kit-text', styled(one.text))} ${part('kit-text', empty && styled(one.fallback))}
        ${part('kit-fields', one.fields?.length && one.fields.map((field) => fieldOf(field, ctx)))}
        ${one.blocks ? blocks(one.blocks, ctx) : nothing}
        ${one.image_url ? picture({ image_url: one.image_url, alt_text: one.fallback }) : nothing}
        ${part('kit-note', one.actions?.length && `Legacy buttons the sandbox does not draw: ${one.actions.length}`)}
        ${part('kit-attachment-footer', (one.footer || one.ts) && footer(one, ctx))}
      </div>
      ${part('kit-thumb', one.thumb_url && picture({ image_url: one.thumb_url, alt_text: '' }))}
    </div>`;
}

const fieldOf = (field, ctx) => html`<div class=${field.short ? '' : 'kit-wide'}>
  <b>${field.title}</b>
  <div class="kit-text">${mrkdwn(field.value ?? '', ctx)}</div>
</div>`;

function footer({ footer: words, ts }, ctx) {
  const when = ts ? date({ timestamp: Number(ts), format: '{date_short} at {time}' }, ctx) : nothing;
  return html`${words ?? nothing}${words && ts ? ' | ' : nothing}${when}`;
}
