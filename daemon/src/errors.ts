//! The registry of errors. A code is stable for ever; `docs/errors.md` is generated from here.

export interface ErrorEntry {
  /** One sentence for a person. */
  readonly text: string
  /** What to do next. */
  readonly next: string
  /** Exit code of the CLI (`docs/errors.md`): 1 failed, 2 usage, 3 refused, 4 daemon unreachable,
   * 5 permission, 6 outcome unknown, 7 configuration invalid, 8 differences found. */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8
}

export const errors = {
  'config-syntax': {
    text: 'The configuration file is not valid YAML.',
    next: 'Correct the line and column named in the message.',
    exit: 7,
  },
  'config-unknown-key': {
    text: 'The configuration file has a key that does not exist.',
    next: 'Remove the key, or correct its spelling; etc/ holds commented examples.',
    exit: 7,
  },
  'config-value': {
    text: 'A value in the configuration file is not allowed.',
    next: 'Correct the value at the line and column named in the message.',
    exit: 7,
  },
  'config-equal-addresses': {
    text: 'Two addresses that must differ are equal.',
    next: 'Give each node its own address on every link; the service address is a third one.',
    exit: 7,
  },
  'config-unreadable': {
    text: 'The configuration file cannot be read.',
    next: 'Check the path and the rights of the file.',
    exit: 7,
  },
  'key-missing': {
    text: 'The pair key file is missing or too short.',
    next: 'Make one with `vccs init`, or copy it from the other node with mode 0600.',
    exit: 7,
  },
  'key-readable': {
    text: 'The pair key file can be read by others.',
    next: 'Run `chmod 0600` on the key file.',
    exit: 5,
  },
  'table-full': {
    text: 'A table of the switch has no room for one more record.',
    next: 'End calls or registrations that are not needed; the limits are in `vccs status`.',
    exit: 1,
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errors
