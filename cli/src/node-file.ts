//! The node file that `vccs init` writes: commented YAML, checked with the daemon's own rules.
import type { ReachMode } from '../../daemon/src/oam/node-config.ts'

export interface NodeAnswers {
  readonly name: string
  readonly site: string
  readonly links: readonly LinkAnswer[]
  readonly reach: ReachMode
  readonly serviceAddress: string
  /** That of the other node; with reach direct only. */
  readonly peerServiceAddress: string | null
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
    ...serviceLines(answers),
    '',
  ].join('\n')
}

const explanations: Record<ReachMode, string> = {
  shared: 'The address that terminals know; both nodes hold it, and hear all that is sent to it.',
  floating: 'The address that terminals know; both nodes hold it, and the primary hears for both.',
  direct: 'The address of this node; terminals know it, and that of the peer.',
}

function serviceLines(answers: NodeAnswers): string[] {
  const { reach, serviceAddress, peerServiceAddress } = answers
  return [
    `  # ${explanations[reach]}`,
    `  address: ${text(serviceAddress)}`,
    ...(peerServiceAddress === null ? [] : [`  peerAddress: ${text(peerServiceAddress)}`]),
    `  interface: ${text(answers.interface)}`,
    `  reach: ${reach}`,
  ]
}

function peerService({ reach, interface: device, ...answers }: NodeAnswers): string[] {
  const { serviceAddress, peerServiceAddress } = answers
  const common = `--reach ${reach} --interface ${device}`
  if (peerServiceAddress === null) return [`--service-address ${serviceAddress} ${common}`]
  const addresses = `--service-address ${peerServiceAddress}`
  return [`${addresses} --peer-service-address ${serviceAddress} ${common}`]
}

/** The command that makes the matching file on the other node. */
export function peerCommand(answers: NodeAnswers, peerName: string): string {
  const links = answers.links.map(({ name, own, peer }) => `--link ${name}=${peer},${own}`)
  return [
    `vccs init --name ${peerName} --site ${answers.site}`,
    ...links,
    ...peerService(answers),
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
