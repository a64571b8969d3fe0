//! The node file that `vccs init` writes: commented YAML, checked with the daemon's own rules.

export interface NodeAnswers {
  readonly name: string
  readonly site: string
  readonly links: readonly LinkAnswer[]
  readonly serviceAddress: string
  readonly interface: string
  readonly keyFile: string
}

export interface LinkAnswer {
  readonly name: string
  readonly own: string
  readonly peer: string
}

/** Reads `net-a=192.168.1.200,192.168.1.201`: name, own address, address of the peer. */
export function parseLink(text: string): LinkAnswer | null {
  const match = /^([^=,\s]+)=([^=,\s]+),([^=,\s]+)$/.exec(text.trim())
  if (match === null) return null
  const [, name = '', own = '', peer = ''] = match
  return { name, own, peer }
}

export function renderNodeFile(answers: NodeAnswers): string {
  const links = answers.links.map(
    ({ name, own, peer }) => `  - { name: ${text(name)}, own: ${text(own)}, peer: ${text(peer)} }`,
  )
  return [
    '# Node file of vccs, made by `vccs init`. It is never replicated: each node has its own.',
    '# All keys, with their defaults, are in etc/vccs-a.example.yaml.',
    `node: ${text(answers.name)}`,
    `site: ${text(answers.site)}`,
    '',
    '# Name, own address and address of the peer; in the same order on both nodes.',
    'links:',
    ...links,
    '',
    'pair:',
    '  # Equal on both nodes, mode 0600.',
    `  keyFile: ${text(answers.keyFile)}`,
    '',
    'service:',
    '  # The address that terminals know; both nodes hold it.',
    `  address: ${text(answers.serviceAddress)}`,
    `  interface: ${text(answers.interface)}`,
    '',
  ].join('\n')
}

/** The command that makes the matching file on the other node. */
export function peerCommand(answers: NodeAnswers, peerName: string): string {
  const links = answers.links.map(({ name, own, peer }) => `--link ${name}=${peer},${own}`)
  return [
    `vccs init --name ${peerName} --site ${answers.site}`,
    ...links,
    `--service-address ${answers.serviceAddress} --interface ${answers.interface}`,
  ].join(' \\\n      ')
}

/** A guess that is right for the usual pair of names. */
export function guessPeerName(name: string): string {
  if (name.endsWith('-a')) return `${name.slice(0, -2)}-b`
  if (name.endsWith('-b')) return `${name.slice(0, -2)}-a`
  return 'OTHER-NAME'
}

/** JSON is YAML; plain words need no quotes. */
function text(value: string): string {
  return /^[A-Za-z/][\w./-]*$|^\d+\.\d+\.\d+\.\d+$/.test(value) ? value : JSON.stringify(value)
}
