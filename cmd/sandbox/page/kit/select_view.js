/**
 * How a menu looks; what it does is in select.js.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { live } from '../vendor/directives/live.js';
import { icon, spinner } from './icons.js';

/**
 * The field: chips of a multi menu, the input, the signs at its end.
 *
 * @param {Object} s  what select.js knows, as its #draw says
 */
export function fieldView(s) {
  const long = !s.open && !s.multi && s.text.length > TAIL * 2;
  return html`<div class="kit-select-field" @click=${s.onFieldClick} title=${long ? s.text : nothing}>
    ${s.chips.map(
      (chip) => html`<span class="kit-chip"
        ><span class="kit-chip-label">${chip.label}</span
        ><button type="button" class="kit-chip-remove" aria-label="Remove ${chip.label}" @click=${() => s.onRemove(chip)}>
          ${icon('close')}
        </button></span
      >`,
    )}
    <span class="kit-select-text">
      <input
        class="kit-select-input ${long ? 'kit-covered' : ''}"
        type="text"
        role="combobox"
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        id=${s.naming.id}
        aria-label=${s.naming.label}
        aria-labelledby=${s.naming.labelledBy}
        aria-describedby=${s.naming.describedBy}
        aria-invalid=${s.naming.invalid}
        aria-expanded=${s.open}
        aria-haspopup="listbox"
        aria-autocomplete="list"
        aria-controls=${s.open ? s.listID : nothing}
        aria-activedescendant=${s.open && s.at >= 0 ? `${s.listID}.${s.at}` : nothing}
        data-focus=${s.focusOnLoad ? 'yes' : nothing}
        placeholder=${s.placeholder}
        .value=${live(s.text)}
        @input=${s.onInput}
        @keydown=${s.onKey}
      />${long ? middleCut(s.text) : nothing}
    </span>
    ${s.pending || s.loading ? spinner : nothing}
    ${s.onClear ? clearButton(s.onClear) : nothing}
    <span class="kit-select-sign">${icon('down')}</span>
  </div>`;
}

const clearButton = (clear) =>
  html`<button type="button" class="kit-select-clear" aria-label="Clear the choice" @click=${clear}>
    ${icon('close')}
  </button>`;

/** Characters of a long name that stay in sight at its end: names of branches differ there. */
const TAIL = 14;

/** Lies over the input and is cut in the middle where it does not fit. */
function middleCut(text) {
  const letters = [...text];
  const [head, tail] = [letters.slice(0, -TAIL), letters.slice(-TAIL)].map((part) => part.join(''));
  return html`<span class="kit-select-cover" aria-hidden="true"
    ><span class="kit-select-head">${head}</span><span>${tail}</span></span
  >`;
}

/**
 * The list under the field.
 *
 * @param {Object} s
 */
export function listView(s) {
  if (!s.open) return nothing;
  const options = ({ choices }) => choices.map((choice) => optionView(choice, s));
  return html`<div
      class="kit-options ${s.loading ? 'kit-stale' : ''}"
      role="listbox"
      tabindex="-1"
      id=${s.listID}
      aria-label="Choices"
      aria-busy=${s.loading}
      aria-multiselectable=${s.multi ? 'true' : nothing}
    >
      ${s.groups.map((group, i) => (group.label ? groupView(group, `${s.listID}.group${i}`, options) : options(group)))}
    </div>
    ${s.note ? html`<div class="kit-options-note">${s.note}</div>` : nothing}`;
}

function groupView(group, id, options) {
  return html`<div role="group" aria-labelledby=${id}>
    <div class="kit-options-label" id=${id}>${group.label}</div>
    ${options(group)}
  </div>`;
}

function optionView(choice, s) {
  const chosen = s.isChosen(choice);
  const { label, description } = choice;
  return html`<div
    class="kit-option ${choice.index === s.at ? 'kit-active' : ''}"
    role="option"
    id=${`${s.listID}.${choice.index}`}
    aria-selected=${chosen}
    aria-disabled=${s.full && !chosen ? 'true' : nothing}
    @click=${() => s.onChoose(choice)}
  >
    <span class="kit-option-check">${chosen ? icon('check') : nothing}</span>
    <span class="kit-option-label">${highlighted(label, s.query)}</span>
    ${description ? html`<span class="kit-option-description">${highlighted(description, s.query)}</span>` : nothing}
  </div>`;
}

/** The text with what was typed marked in it, where it occurs. */
function highlighted(text, query) {
  const at = query ? text.toLowerCase().indexOf(query.toLowerCase()) : -1;
  if (at < 0) return text;
  const end = at + query.length;
  return html`${text.slice(0, at)}<mark class="kit-hit">${text.slice(at, end)}</mark>${text.slice(end)}`;
}
