/**
 * Modals: the top of the stack of open views (https://docs.slack.dev/surfaces/modals), as a <dialog>.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { repeat } from '../vendor/directives/repeat.js';
import { blocks } from './blocks.js';
import { plain } from './emoji.js';
import { icon, spinner } from './icons.js';
import { stage } from './modal_stage.js';

/**
 * What a modal needs besides: submit is called when the person submits the view, and pending holds 'submit' as long
 * as that is under way; close is called when the person closes the top view (✕, Esc, the close button, the arrow
 * back). badge is the app's picture for the head, if the page has one. where and errors may be missing: they come
 * from the entry.
 *
 * @typedef {import('./blocks.js').Ctx & {submit: () => void, close: () => void, badge?: *}} ModalCtx
 */

/**
 * Draws the top of the stack of open views. The page always has this in its template, with null while no view is
 * open: the dialog opens, closes and gives the focus back by itself.
 *
 * @param {{id: string, index: number, view: Object, errors: Object, notice: string}|null} entry
 * @param {ModalCtx} ctx
 */
export function modal(entry, ctx) {
  const submitting = ctx.pending?.has('submit') ?? false;
  const errors = ctx.errors ?? entry?.errors ?? {};
  const submit = () => entry?.view.submit && !submitting && ctx.submit();
  const close = () => entry && ctx.close();
  return html`<dialog
    class="kit-modal"
    aria-labelledby="kit-modal-title"
    @cancel=${(event) => {
      // The page closes the dialog when the view is gone; the browser asks by this event, from Android's back too.
      if (event.target !== event.currentTarget) return;
      event.preventDefault();
      close();
    }}
    @close=${(event) => event.target.open || close()}
    @kit-submit=${submit}
    @keydown=${(event) => {
      event.stopPropagation();
      if (event.key === 'Escape') {
        // Pressed twice, Escape would close the dialog past its cancel event.
        event.preventDefault();
        close();
      } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
    }}
    ${stage(entry?.id, errors, submitting)}
  >
    ${repeat(
      entry ? [entry] : [],
      ({ id }) => id,
      () => content(entry, { ...ctx, errors }, { submit, close, submitting }),
    )}
  </dialog>`;
}

function content({ id, index, view, notice }, ctx, { submit, close, submitting }) {
  const inner = { ...ctx, where: { view: id } };
  const back = index > 0 && !view.clear_on_close;
  return html`<div class="kit-modal-head">
      ${
        back
          ? html`<button type="button" class="kit-round" aria-label="Back" @click=${close}>${icon('back')}</button>`
          : html`<span class="kit-modal-badge">${ctx.badge ?? nothing}</span>`
      }
      <h2 class="kit-modal-title" id="kit-modal-title">${plain(view.title)}</h2>
      <button type="button" class="kit-round" aria-label="Close" @click=${close}>${icon('close')}</button>
    </div>
    <div class="kit-modal-body">
      <div role="alert">${notice ? html`<div class="kit-notice">${icon('warn')}<span>${notice}</span></div>` : nothing}</div>
      ${blocks(view.blocks, inner)}
    </div>
    <div class="kit-modal-foot kit-buttons">
      <button type="button" class="kit-button kit-large" @click=${close}>${plain(view.close) || 'Cancel'}</button>
      ${view.submit ? submitButton(view, submit, submitting) : nothing}
    </div>`;
}

function submitButton(view, submit, submitting) {
  const still = submitting || view.submit_disabled;
  return html`<button
    type="button"
    class="kit-button kit-large kit-primary"
    aria-disabled=${still ? 'true' : nothing}
    @click=${() => still || submit()}
  >
    <span class="kit-button-label">${plain(view.submit)}</span>${submitting ? spinner : nothing}
  </button>`;
}
