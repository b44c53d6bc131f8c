// What a person finds on a page: things that can be seen, by the role and the name that assistive technology is
// told (Element.computedRole and computedName, which Chromium has behind a flag). A name is matched in part,
// unless it begins with "=".

// Only these elements can have the role, so that not every element's role has to be computed.
const candidates = {
  button: 'button, summary, [role=button]',
  link: 'a[href]',
  textbox: 'input, textarea, [role=textbox]',
  combobox: '[role=combobox], input, select',
  option: '[role=option], option',
  dialog: 'dialog, [role=dialog]',
  menuitem: '[role=menuitem]',
  menuitemradio: '[role=menuitemradio]',
  switch: '[role=switch]',
  tab: '[role=tab]',
  listbox: '[role=listbox]',
  article: 'article',
  main: 'main',
  region: 'section, [role=region]',
  complementary: 'aside, [role=complementary]',
  navigation: 'nav',
};

function all(role, name = '') {
  const wanted = name.startsWith('=') ? (n) => n === name.slice(1) : (n) => n.includes(name);
  return [...document.querySelectorAll(candidates[role] || '*')].filter(
    (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && e.computedRole === role && wanted(e.computedName.trim()),
  );
}

// find answers where to press, once the thing has stood still for a frame: a hand does not press what is moving.
function find(role, name) {
  const at = place(role, name);
  const before = window.eyesBefore;
  window.eyesBefore = at && { ...at, role, name };
  const still = at && before && before.X === at.X && before.Y === at.Y && before.role === role && before.name === name;
  return still ? at : null;
}

function place(role, name) {
  for (const e of all(role, name)) {
    e.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
    const box = e.getBoundingClientRect();
    const at = { X: box.x + box.width / 2, Y: box.y + box.height / 2 };
    const top = document.elementFromPoint(at.X, at.Y);
    if (!e.disabled && top && (e === top || e.contains(top) || top.contains(e))) return at;
  }
  return null;
}

function focused(role, name) {
  return all(role, name).includes(document.activeElement);
}

function reads(role, name, words) {
  for (const e of all(role, name)) {
    const text = e.innerText.replaceAll('\u00a0', ' '); // looks the same
    if (words.every((word) => text.includes(word))) return text || ' ';
  }
  return null;
}

function gone(role, name) {
  return all(role, name).length === 0;
}
