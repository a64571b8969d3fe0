//! What the switch says it can do, in Allow, Accept and Supported.

/** The methods that pass the gate. */
export const allowedMethods = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'REGISTER',
  'INFO',
  'UPDATE',
  'SUBSCRIBE',
  'REFER',
  'PRACK',
]

/** Option tags that may stand in Require: RFC 4028, RFC 3911, RFC 3891, RFC 4488, RFC 3262. */
export const supportedOptions: readonly string[] = [
  'timer',
  'join',
  'replaces',
  'norefersub',
  '100rel',
]

export const allowHeader = { name: 'Allow', value: allowedMethods.join(', ') }
export const supportedHeader = { name: 'Supported', value: supportedOptions.join(', ') }

/** Event packages (RFC 6665) that can be subscribed to. */
export const eventNames = ['dialog', 'presence', 'conference', 'reg'] as const
/** `refer` is subscribed to by a REFER only (RFC 3515 2.4.7). */
export const allowEventsHeader = {
  name: 'Allow-Events',
  value: [...eventNames, 'refer'].join(', '),
}
