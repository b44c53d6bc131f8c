/**
 * What a key does in a menu
 * (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/#keyboardinteraction): a pure function.
 * @module
 */

/** Options that PageUp and PageDown pass. */
const PAGE = 8;

/**
 * @param {KeyboardEvent} event
 * @param {{open: boolean, edited: boolean, at: number, count: number, removable: boolean}} menu  at: the highlighted
 *   option, -1 for none; removable: an empty field with chips before it
 * @returns {{do: 'open'|'close'|'choose'|'leave'|'remove'|'move', to?: number}|null} null: the key is the field's own
 */
export function meaning({ key, altKey, ctrlKey, metaKey, isComposing }, { open, edited, at, count, removable }) {
  if (isComposing || ctrlKey || metaKey) return null;
  if (key === 'Backspace') return removable ? { do: 'remove' } : null;
  if (!open) {
    const opens = ['ArrowDown', 'ArrowUp', 'Enter'].includes(key) || (key === ' ' && !edited);
    return opens ? { do: 'open' } : null;
  }
  if (key === 'Escape' || (altKey && key === 'ArrowUp')) return { do: 'close' };
  if (key === 'Enter') return { do: 'choose' };
  if (key === 'Tab') return { do: 'leave' };
  const last = count - 1;
  const to = {
    ArrowDown: at === last ? 0 : at + 1,
    ArrowUp: at <= 0 ? last : at - 1,
    Home: 0,
    End: last,
    PageDown: Math.min(at + PAGE, last),
    PageUp: Math.max(at - PAGE, 0),
  }[key];
  return to === undefined ? null : { do: 'move', to };
}
