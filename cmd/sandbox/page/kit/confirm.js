/**
 * The question that an element asks before it is used.
 * @module
 */
import { html, render } from '../vendor/lit-html.js';
import { plain } from './emoji.js';
import { text } from './text.js';

/**
 * Asks a confirmation dialog object
 * (https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object).
 *
 * @param {{title: Object, text: Object, confirm: Object, deny: Object, style: string}} ask
 * @param {import('./blocks.js').Ctx} ctx
 * @returns {Promise<boolean>} true when the person confirms
 */
export function confirmDialog(ask, ctx) {
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog');
    dialog.className = 'kit-confirm';
    dialog.setAttribute('aria-labelledby', 'kit-confirm-title');
    dialog.setAttribute('aria-describedby', 'kit-confirm-text');
    const danger = ask.style === 'danger';
    render(
      html`
        <h2 class="kit-confirm-title" id="kit-confirm-title">${plain(ask.title)}</h2>
        <div class="kit-confirm-text" id="kit-confirm-text">${text(ask.text, ctx)}</div>
        <div class="kit-buttons">
          <button type="button" class="kit-button" ?autofocus=${danger} @click=${() => dialog.close('')}>
            ${plain(ask.deny) || 'Cancel'}
          </button>
          <button
            type="button"
            class="kit-button ${danger ? 'kit-danger' : 'kit-primary'}"
            ?autofocus=${!danger}
            @click=${() => dialog.close('yes')}
          >
            ${plain(ask.confirm) || 'Yes'}
          </button>
        </div>
      `,
      dialog,
    );
    // Keys pressed in the question are none of the page's.
    dialog.addEventListener('keydown', (event) => event.stopPropagation());
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
