/**
 * Pictures, videos and files of other places.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { icon } from './icons.js';
import { link, safeAddress } from './links.js';
import { text } from './text.js';

/**
 * A picture; where it does not load, the words that stand for it.
 *
 * @param {{image_url?: string, slack_file?: {url?: string}, alt_text: string}} image
 */
export function picture({ image_url: url, slack_file: file, alt_text: words = '' }) {
  const mark =
    (broken) =>
    ({ target }) =>
      target.parentElement.classList.toggle('kit-broken', broken);
  return html`<span class="kit-picture"
    ><img
      src=${safeAddress(url ?? file?.url)} alt=${words} loading="lazy" referrerpolicy="no-referrer"
      @error=${mark(true)} @load=${mark(false)}
    /><span class="kit-picture-words" aria-hidden="true">${words || 'Picture'}</span></span
  >`;
}

export const imageBlock = (block, ctx) => html`<figure class="kit-image">
  ${block.title ? html`<figcaption class="kit-image-title">${text(block.title, ctx)}</figcaption>` : nothing}
  ${picture(block)}
</figure>`;

/** A video opens where it lives; the page's policy lets nothing play inside it. */
export const video = (block, ctx) => html`<div class="kit-video">
  ${
    block.author_name || block.provider_name
      ? html`<div class="kit-muted">${[block.provider_name, block.author_name].filter(Boolean).join(' · ')}</div>`
      : nothing
  }
  <div class="kit-video-title">${link(block.title_url ?? block.video_url, text(block.title, ctx))}</div>
  ${block.description ? html`<div>${text(block.description, ctx)}</div>` : nothing}
  <a class="kit-video-picture" href=${safeAddress(block.video_url)} target="_blank" rel="noopener noreferrer">
    ${picture({ image_url: block.thumbnail_url, alt_text: block.alt_text })}<span class="kit-play">${icon('play')}</span>
  </a>
</div>`;

export const remoteFile = (block) =>
  html`<div class="kit-file">${icon('outside')} Remote file <code class="kit-code">${block.external_id}</code></div>`;
