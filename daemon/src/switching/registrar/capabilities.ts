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
]

/** Option tags that may stand in Require. */
export const supportedOptions: readonly string[] = ['timer', 'join']

export const allowHeader = { name: 'Allow', value: allowedMethods.join(', ') }
export const supportedHeader = { name: 'Supported', value: supportedOptions.join(', ') }

/** Event packages (RFC 6665) that can be subscribed to. */
export const eventNames = ['dialog', 'presence', 'conference', 'reg'] as const
export const allowEventsHeader = { name: 'Allow-Events', value: eventNames.join(', ') }
