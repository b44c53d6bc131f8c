/**
 * Fields for text of all kinds.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { live } from '../vendor/directives/live.js';
import { plain } from './emoji.js';
import { naming, tellsApp } from './use.js';

/** How long a person may pause between two characters that are told the app as one, in milliseconds. */
const PAUSE = 250;

/** How many characters before the limit the rest is counted. */
const COUNTED = 50;

const keyboards = { email_text_input: 'email', url_text_input: 'url', number_input: 'decimal' };

export function textInput(element, block, ctx) {
  const rich = element.type === 'rich_text_input';
  const value = ctx.values(block.block_id, element);
  return field(element, block, ctx, {
    shown: (rich ? plainOf(value) : value) ?? '',
    read: rich ? richOf : (typed) => typed || null,
    many: rich || element.multiline === true,
  });
}

function field(element, block, ctx, { shown, read, many }) {
  const { id, label, labelledBy, describedBy, invalid } = naming(element, block, ctx);
  const on = tellsApp(block) ? (element.dispatch_action_config?.trigger_actions_on ?? ['on_enter_pressed']) : [];
  const type = ({ target }) => {
    ctx.enter(block.block_id, element, read(target.value));
    if (on.includes('on_character_entered')) tell(target, () => ctx.act(block.block_id, element, read(target.value)));
  };
  const press = (event) => {
    // Enter that ends the choice of an input method is no Enter.
    if (event.key !== 'Enter' || event.isComposing) return;
    if (on.includes('on_enter_pressed') && !event.shiftKey) {
      event.preventDefault();
      ctx.act(block.block_id, element, read(event.target.value));
    } else if (!many) {
      event.preventDefault();
      event.target.dispatchEvent(new CustomEvent('kit-submit', { bubbles: true }));
    }
  };
  const placeholder = plain(element.placeholder) || nothing;
  const focus = element.focus_on_load ? 'yes' : nothing;
  const limit = element.max_length ?? nothing;
  const input = many
    ? html`<div class="kit-grow" data-value=${shown}><textarea
        class="kit-field" id=${id} rows="3" placeholder=${placeholder} maxlength=${limit} data-focus=${focus}
        aria-label=${label} aria-labelledby=${labelledBy} aria-describedby=${describedBy} aria-invalid=${invalid}
        .value=${live(shown)} @input=${type} @keydown=${press}
      ></textarea></div>`
    : html`<input
        type="text" class="kit-field" id=${id} autocomplete="off" placeholder=${placeholder} maxlength=${limit}
        data-focus=${focus} inputmode=${keyboards[element.type] ?? nothing}
        autocapitalize=${keyboards[element.type] ? 'off' : nothing} spellcheck=${keyboards[element.type] ? 'false' : nothing}
        aria-label=${label} aria-labelledby=${labelledBy} aria-describedby=${describedBy} aria-invalid=${invalid}
        .value=${live(shown)} @input=${type} @keydown=${press}
      />`;
  const sends = many ? 'Press Enter to send, Shift+Enter for a new line' : 'Press Enter to send';
  return html`${input}${notes(element, on.includes('on_enter_pressed') ? sends : '', shown)}`;
}

function notes(element, sends, shown) {
  const left = element.max_length - shown.length;
  return html`${sends ? html`<span class="kit-note">${sends}</span>` : nothing}
  ${left <= COUNTED ? html`<span class="kit-note kit-count">${left} left</span>` : nothing}`;
}

const waiting = new WeakMap();

/** Tells after a pause; a character typed meanwhile begins it anew. */
function tell(input, act) {
  clearTimeout(waiting.get(input));
  waiting.set(input, setTimeout(act, PAUSE));
}

const richOf = (typed) =>
  typed
    ? { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: typed }] }] }
    : null;

/** The words of a rich text; how they look is lost to a plain field. */
function plainOf(value) {
  const words = (part) => part.text ?? (part.elements ?? []).map(words).join(part.type === 'rich_text' ? '\n' : '');
  return value ? words(value) : '';
}
