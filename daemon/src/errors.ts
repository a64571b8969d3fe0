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
  'records-invalid': {
    text: 'A document of call records does not fit its grammar, or is no XML.',
    next: 'Correct what the message names; `xmllint --schema etc/vccs-records.xsd FILE` shows the place.',
    exit: 7,
  },
  'key-missing': {
    text: 'A key file (of the pair or of the beacon) is missing or too short.',
    next: 'Make one with `vccs init`, or copy it from the other node with mode 0600.',
    exit: 7,
  },
  'key-readable': {
    text: 'A key file can be read by others.',
    next: 'Run `chmod 0600` on the key file.',
    exit: 5,
  },
  'table-full': {
    text: 'A table of the switch has no room for one more record.',
    next: 'End calls or registrations that are not needed; the limits are in `vccs status`.',
    exit: 1,
  },
  'database-failed': {
    text: 'The database cannot be read or written.',
    next: 'Check the disk and the rights of the database file; the peer still has the data.',
    exit: 1,
  },
  'bus-in-use': {
    text: 'Another process already serves this socket.',
    next: 'End the other daemon, or give this one its own runDirectory.',
    exit: 3,
  },
  'bus-failed': {
    text: 'A socket of the bus cannot be opened.',
    next: 'Check runDirectory and its rights.',
    exit: 1,
  },
  usage: {
    text: 'The command line is not right.',
    next: 'Run the command with --help; it shows an example.',
    exit: 2,
  },
  'daemon-unreachable': {
    text: 'The daemon of this node does not answer; the state of the node is unknown.',
    next: 'Run `systemctl status vccsd`, or give the right --socket.',
    exit: 4,
  },
  'daemon-version': {
    text: 'The daemon speaks another version of the control protocol.',
    next: 'Use the vccs command that came with the daemon.',
    exit: 4,
  },
  'peer-unreachable': {
    text: 'The peer does not answer.',
    next: 'Run `vccs status` and `vccs why`, then look at the other node.',
    exit: 4,
  },
  permission: {
    text: 'You have no right to do this.',
    next: 'Run the command as root or as a member of the group of the file named in the message.',
    exit: 5,
  },
  'refused-unsafe': {
    text: 'Refused, because it would not be safe now.',
    next: 'Remove the reasons given, or use `vccs failover` and accept the loss.',
    exit: 3,
  },
  'wrong-role': {
    text: 'Refused, because of the role of this node: a primary is never emptied.',
    next: 'Run the command on the standby, or with --node peer.',
    exit: 3,
  },
  'needs-yes': {
    text: 'Refused, because nobody can be asked to confirm: there is no terminal.',
    next: 'Give --yes; the message holds the whole command.',
    exit: 3,
  },
  'not-confirmed': {
    text: 'Not confirmed; nothing was changed.',
    next: 'Run the command again and confirm, or give --yes.',
    exit: 3,
  },
  'file-exists': {
    text: 'A file that would be written exists already.',
    next: 'Move it away, or give --force to replace it.',
    exit: 3,
  },
  'file-unusable': {
    text: 'A file cannot be read or written.',
    next: 'Check the path and the rights of the file.',
    exit: 1,
  },
  'timed-out': {
    text: 'No answer in time; whether it was done is unknown.',
    next: 'Run `vccs op`, `vccs status` and `vccs why` before you try again.',
    exit: 6,
  },
  'operation-failed': {
    text: 'The operation was tried and failed.',
    next: 'Read the reason in the message and in `vccs log`.',
    exit: 1,
  },
  'not-found': {
    text: 'What was named does not exist.',
    next: 'List what exists, with `vccs calls`, `vccs users` or `vccs config export`.',
    exit: 1,
  },
  ambiguous: {
    text: 'What was given names more than one.',
    next: 'Give more characters of it, as they are listed.',
    exit: 2,
  },
  'operation-unknown': {
    text: 'No operation has this number on the nodes that answered.',
    next: 'Run `vccs op` for the last ones; while a node is away, its own are known only there.',
    exit: 1,
  },
  'beacon-silent': {
    text: 'No beacon was heard: no primary of this site reaches this machine.',
    next: 'Check --key, --group, --port and --interface, then run `vccs status` on both nodes.',
    exit: 4,
  },
  'question-unknown': {
    text: 'The question after --if was not understood.',
    next: 'Ask, for example, `vccs why --if "net-b down"`, `"only private up"`, `"peer dead"`, `"paused"`.',
    exit: 2,
  },
  'control-syntax': {
    text: 'A request on the control socket is not JSON-RPC 2.0, one object on one line.',
    next: 'Send {"jsonrpc":"2.0","id":1,"method":"status","params":{}} and a line feed.',
    exit: 2,
  },
  'control-verb': {
    text: 'The daemon does not know this verb.',
    next: 'Use the vccs command that came with the daemon.',
    exit: 2,
  },
  'control-params': {
    text: 'The parameters of a request do not fit its verb.',
    next: 'Correct the parameter named in the message.',
    exit: 2,
  },
  'control-too-long': {
    text: 'A request on the control socket is too long.',
    next: 'Send less at once.',
    exit: 1,
  },
  'control-busy': {
    text: 'The control socket has too many connections or too much to do.',
    next: 'End other vccs commands (watches, log -f), then try again.',
    exit: 1,
  },
  'control-socket': {
    text: 'The control socket cannot be opened.',
    next: 'Check controlSocket in the configuration, and that no other vccsd runs with it.',
    exit: 1,
  },
  'ffi-failed': {
    text: 'The media unit cannot call the system library.',
    next: 'Set media.backend to auto or dgram, or install for a supported platform.',
    exit: 1,
  },
  'mixer-missing': {
    text: 'The compiled mixer is missing.',
    next: 'Run `make setup`; it builds daemon/build/mixer.wasm.',
    exit: 1,
  },
  internal: {
    text: 'The daemon made an error of its own.',
    next: 'Report it with the lines of `vccs log` around this moment.',
    exit: 1,
  },
  'socket-failed': {
    text: 'A UDP socket cannot be opened.',
    next: 'Check that the address is on this machine and that the port is free (`ss -lun`).',
    exit: 1,
  },
  'interface-missing': {
    text: 'A network interface of the configuration does not exist.',
    next: 'Correct service.interface; `ip link` lists the interfaces.',
    exit: 7,
  },
  'service-address-denied': {
    text: 'This process may not set up the service address.',
    next: 'Start vccsd as root or with CAP_NET_ADMIN (see etc/vccsd.service).',
    exit: 5,
  },
  'service-address-failed': {
    text: 'The service address could not be set up.',
    next: 'Read the message of the tool that failed; then start again.',
    exit: 1,
  },
  'tool-missing': {
    text: 'A program that vccsd needs is not installed.',
    next: 'Install the package named in the message.',
    exit: 1,
  },
  'tool-failed': {
    text: 'A program that vccsd runs reported a failure.',
    next: 'Read its message above.',
    exit: 1,
  },
  'unit-failed': {
    text: 'A unit cannot be started.',
    next: 'Check that the installation is complete (`npm ci`).',
    exit: 1,
  },
  'already-running': {
    text: 'Another vccsd already runs on this run directory.',
    next: 'Stop it first, or give this one its own runDirectory.',
    exit: 3,
  },
  'directory-unusable': {
    text: 'A directory of the configuration cannot be made or written.',
    next: 'Check runDirectory and stateDirectory and their rights.',
    exit: 5,
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errors
