/**
 * What a modal does that its template cannot say: it opens and closes the dialog, and sees to the focus.
 * @module
 */
import { noChange } from '../vendor/lit-html.js';
import { Directive, directive } from '../vendor/directive.js';

class Stage extends Directive {
  #view;
  #errors = {};
  #submitting = false;

  render() {
    return noChange;
  }

  /** Runs before the dialog's content is drawn anew; the rest waits until it is. */
  update({ element: dialog }, [view, errors, submitting]) {
    const focused = dialog.contains(document.activeElement) ? document.activeElement : null;
    queueMicrotask(() => this.#drawn(dialog, { view, errors, submitting, focused }));
    return noChange;
  }

  #drawn(dialog, { view, errors, submitting, focused }) {
    const isNew = view !== this.#view;
    const refused = this.#wasRefused(errors, submitting);
    this.#view = view;
    this.#errors = errors;
    this.#submitting = submitting;
    if (!view) {
      if (dialog.open) close(dialog);
      return;
    }
    if (!dialog.open) dialog.showModal();
    if (isNew) focusFirst(dialog);
    else if (refused) focusWrong(dialog);
    else if (focused && !focused.isConnected) focusAgain(dialog, focused.id);
  }

  /** The app's errors have come: there are new ones, or the same ones again after another try. */
  #wasRefused(errors, submitting) {
    const fields = Object.keys(errors);
    const tried = this.#submitting && !submitting;
    return fields.length > 0 && (tried || fields.some((field) => errors[field] !== this.#errors[field]));
  }
}

/**
 * For the <dialog> of a modal.
 *
 * @type {(view: string|undefined, errors: Object<string, string>, submitting: boolean) => *}
 */
export const stage = directive(Stage);

/** Chromium gives a text field the focus back without its caret, and then it takes no letters until it is clicked. */
function close(dialog) {
  dialog.close();
  const back = document.activeElement;
  back?.blur();
  back?.focus({ preventScroll: true });
}

const fields = '.kit-modal-body :is(input, textarea):not([disabled])';

function focusFirst(dialog) {
  const first = dialog.querySelector('[data-focus]') ?? dialog.querySelector(fields);
  (first ?? dialog.querySelector('.kit-modal-foot > :last-child')).focus();
}

/** The field may say itself that it is wrong, or the group that it stands in. */
function focusWrong(dialog) {
  const wrong = dialog.querySelector('.kit-modal-body :is([aria-invalid=true], [data-invalid=true] input)');
  wrong?.focus();
  // A field that had the focus already does not come into sight by it.
  wrong?.closest('.kit-block').scrollIntoView({ block: 'nearest' });
}

/** A field that was drawn anew under its old name has the focus still. */
function focusAgain(dialog, id) {
  const again = id && dialog.querySelector(`[id="${CSS.escape(id)}"]`);
  if (again) again.focus();
  else focusFirst(dialog);
}
