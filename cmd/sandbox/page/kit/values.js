// Where an element keeps its value (https://docs.slack.dev/reference/views#state): the same table as
// bot/slacktest/state.go.

const holders = {
  plain_text_input: ['value', 'initial_value'],
  email_text_input: ['value', 'initial_value'],
  url_text_input: ['value', 'initial_value'],
  number_input: ['value', 'initial_value'],
  rich_text_input: ['rich_text_value', 'initial_value'],
  static_select: ['selected_option', 'initial_option'],
  external_select: ['selected_option', 'initial_option'],
  radio_buttons: ['selected_option', 'initial_option'],
  multi_static_select: ['selected_options', 'initial_options'],
  multi_external_select: ['selected_options', 'initial_options'],
  checkboxes: ['selected_options', 'initial_options'],
  users_select: ['selected_user', 'initial_user'],
  channels_select: ['selected_channel', 'initial_channel'],
  conversations_select: ['selected_conversation', 'initial_conversation'],
  multi_users_select: ['selected_users', 'initial_users'],
  multi_channels_select: ['selected_channels', 'initial_channels'],
  multi_conversations_select: ['selected_conversations', 'initial_conversations'],
  datepicker: ['selected_date', 'initial_date'],
  timepicker: ['selected_time', 'initial_time'],
  datetimepicker: ['selected_date_time', 'initial_date_time'],
};

/**
 * Tells if elements of this type hold a value; a button, for one, does not.
 *
 * @param {Object} element
 */
export const holdsValue = (element) => element.type in holders;

/**
 * The raw value of an element nobody touched on this page: what the state has for it, else what the blocks say.
 *
 * @param {Object} element
 * @param {Object} [entry]  its entry in the state: {type, selected_option: ...}
 * @returns {*} null where there is none
 */
export function currentValue(element, entry) {
  const [key, initial] = holders[element.type] ?? [];
  return (entry?.type === element.type ? entry[key] : element[initial]) ?? null;
}
