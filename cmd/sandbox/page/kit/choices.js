/**
 * Checkboxes and radio buttons.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { live } from '../vendor/directives/live.js';
import { text } from './text.js';
import { naming, use } from './use.js';

export function checkboxes(element, block, ctx) {
  const chosen = ctx.values(block.block_id, element) ?? [];
  const isChosen = (option) => chosen.some(({ value }) => value === option.value);
  const toggle = (option, input) => {
    const next = element.options.filter((o) => (o === option ? input.checked : isChosen(o)));
    // Until the person has confirmed, it looks as it did.
    if (element.confirm) input.checked = !input.checked;
    use(element, block, ctx, next);
  };
  return group(
    'group',
    element,
    block,
    ctx,
    (option, name, focus) => html`<input
    type="checkbox"
    id=${name}
    data-focus=${focus}
    .checked=${live(isChosen(option))}
    @change=${(event) => toggle(option, event.target)}
  />`,
  );
}

export function radioButtons(element, block, ctx) {
  const chosen = ctx.values(block.block_id, element)?.value;
  const { id } = naming(element, block, ctx);
  const choose = (option, input) => {
    if (element.confirm) restore(input, element, chosen);
    use(element, block, ctx, option);
  };
  return group(
    'radiogroup',
    element,
    block,
    ctx,
    (option, name, focus) => html`<input
    type="radio"
    id=${name}
    name=${id}
    data-focus=${focus}
    .checked=${live(option.value === chosen)}
    @change=${(event) => choose(option, event.target)}
  />`,
  );
}

/** The browser has unset the old one by itself. */
function restore(input, element, chosen) {
  const all = input.closest('.kit-choices').querySelectorAll('input');
  all.forEach((other, i) => {
    other.checked = element.options[i].value === chosen;
  });
}

function group(role, element, block, ctx, input) {
  const { id, label, labelledBy, describedBy, invalid } = naming(element, block, ctx);
  // ARIA knows no invalid group of checkboxes, so the boxes themselves are found by the mark of the group.
  return html`<div
    class="kit-choices"
    role=${role}
    aria-label=${label}
    aria-labelledby=${labelledBy}
    aria-describedby=${describedBy}
    data-invalid=${invalid}
  >
    ${element.options.map(
      (option, i) => html`<label class="kit-choice">
        ${input(option, `${id}.${i}`, element.focus_on_load && i === 0 ? 'yes' : nothing)}
        <span>${words('kit-choice-text', option.text, ctx)}${words('kit-choice-description', option.description, ctx)}</span>
      </label>`,
    )}
  </div>`;
}

const words = (look, object, ctx) => (object ? html`<span class=${look}>${text(object, ctx)}</span>` : nothing);
