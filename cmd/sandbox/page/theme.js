/**
 * Light, dark, or as the system has it. Kept in localStorage; the attribute data-theme chooses the colours.
 * @module
 */

const KEY = 'sandbox-theme';

/** The themes that can be chosen. */
export const THEMES = ['system', 'light', 'dark'];

/** @returns {string} the chosen theme */
export function theme() {
  const kept = read();
  return THEMES.includes(kept) ? kept : 'system';
}

/** @param {string} name one of THEMES */
export function setTheme(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  show(name);
}

/** Puts the chosen theme into force. */
export function startTheme() {
  show(theme());
}

function show(name) {
  document.documentElement.dataset.theme = name;
}

function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return document.documentElement.dataset.theme;
  }
}
