/**
 * Buttons: the plain one, one that leads elsewhere, and the small ones of context_actions.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { confirmDialog } from './confirm.js';
import { plain } from './emoji.js';
import { icon, spinner } from './icons.js';
import { safeAddress } from './links.js';
import { text } from './text.js';
import { domID, isPending, use } from './use.js';

const looks = { primary: 'kit-primary', danger: 'kit-danger' };

export function button(element, block, ctx) {
  if (safeAddress(element.url)) return linkButton(element, block, ctx);
  return press(element, block, ctx, {
    look: looks[element.style] ?? '',
    value: null,
    label: text(element.text, ctx),
    name: element.accessibility_label,
    action: element.action_id,
  });
}

/** A button that waits is not disabled: it would lose the focus of those who pressed it by keyboard. */
function press(element, block, ctx, { look, value, label, name, action }) {
  const pending = isPending(element, block, ctx);
  return html`<button
    type="button"
    class="kit-button ${look}"
    id=${domID(ctx, block.block_id, action)}
    aria-label=${name ?? nothing}
    aria-disabled=${pending ? 'true' : nothing}
    @click=${() => pending || use(element, block, ctx, value)}
  >
    <span class="kit-button-label">${label}</span>${pending ? spinner : nothing}
  </button>`;
}

/** Opens a tab and tells the app. */
function linkButton(element, block, ctx) {
  const follow = async (event) => {
    if (!element.confirm) {
      ctx.act(block.block_id, element, null);
      return;
    }
    event.preventDefault();
    if (!(await confirmDialog(element.confirm, ctx))) return;
    window.open(element.url, '_blank', 'noopener,noreferrer');
    ctx.act(block.block_id, element, null);
  };
  return html`<a
    class="kit-button ${looks[element.style] ?? ''}"
    id=${domID(ctx, block.block_id, element.action_id)}
    href=${element.url}
    target="_blank"
    rel="noopener noreferrer"
    aria-label=${element.accessibility_label ?? nothing}
    @click=${follow}
    ><span class="kit-button-label">${text(element.text, ctx)}</span></a
  >`;
}

/** A workflow button starts a workflow of Slack's own; there are none here. */
export const workflowButton = (element, block, ctx) =>
  html`<button type="button" class="kit-button" disabled title="Workflows do not run in the sandbox">
    <span class="kit-button-label">${text(element.text, ctx)}</span>
  </button>`;

/** Thumb up, thumb down; what is told is the value of the one pressed. */
export function feedbackButtons(element, block, ctx) {
  const one = (part, action, down) => {
    const words = plain(part.text);
    // Apps often write a thumb themselves; then a second one would be one too many.
    const own = /^\P{L}+$/u.test(words);
    return press(element, block, ctx, {
      look: `kit-quiet ${down ? 'kit-thumb-down' : ''}`,
      value: part.value,
      label: own ? text(part.text, ctx) : html`${icon('up')} ${text(part.text, ctx)}`,
      name: part.accessibility_label,
      action: `${element.action_id}-${action}`,
    });
  };
  return html`${one(element.positive_button, 'positive', false)}${one(element.negative_button, 'negative', true)}`;
}

export function iconButton(element, block, ctx) {
  const forThem = element.visible_to_user_ids;
  if (forThem && !forThem.includes(ctx.store.me())) return nothing;
  return press(element, block, ctx, {
    look: 'kit-quiet',
    value: null,
    label: html`${icon(element.icon === 'trash' ? 'trash' : 'more')} ${text(element.text, ctx)}`,
    name: element.accessibility_label,
    action: element.action_id,
  });
}
