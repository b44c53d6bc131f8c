/**
 * Dates and times, with the browser's own pickers.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { live } from '../vendor/directives/live.js';
import { isPending, naming, use } from './use.js';
import { spinner } from './icons.js';

export const datepicker = (element, block, ctx) =>
  picker('date', element, block, ctx, { show: (value) => value, read: (typed) => typed });

export const timepicker = (element, block, ctx) =>
  html`${picker('time', element, block, ctx, { show: (value) => value, read: (typed) => typed })}
  ${element.timezone ? html`<span class="kit-note">${element.timezone}</span>` : nothing}`;

/** Slack counts seconds, the picker writes the reader's date and time. */
export const datetimepicker = (element, block, ctx) =>
  picker('datetime-local', element, block, ctx, {
    show: (seconds) => {
      const at = new Date(seconds * 1000);
      return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    },
    read: (typed) => Math.floor(new Date(typed).getTime() / 1000),
  });

function picker(type, element, block, ctx, { show, read }) {
  const value = ctx.values(block.block_id, element);
  const { id, label, labelledBy, describedBy, invalid } = naming(element, block, ctx);
  const shown = value === null || value === undefined ? '' : show(value);
  const change = ({ target }) => {
    const next = target.value ? read(target.value) : null;
    // Until the person has confirmed, it looks as it did.
    if (element.confirm) target.value = shown;
    use(element, block, ctx, next);
  };
  return html`<span class="kit-picker">
    <input
      type=${type}
      class="kit-field"
      id=${id}
      aria-label=${label}
      aria-labelledby=${labelledBy}
      aria-describedby=${describedBy}
      aria-invalid=${invalid}
      data-focus=${element.focus_on_load ? 'yes' : nothing}
      .value=${live(shown)}
      @change=${change}
    />${isPending(element, block, ctx) ? spinner : nothing}
  </span>`;
}
