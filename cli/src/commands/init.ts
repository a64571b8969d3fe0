//! `vccs init`: asks, or takes flags and asks nothing, and writes the node file and the pair key.
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Flags } from '@oclif/core'
import { type ReachMode, reachModes } from '../../../daemon/src/oam/node-config.ts'
import { VccsCommand } from '../base-command.ts'
import { CliFailure } from '../failure.ts'
import {
  guessPeerName,
  type LinkAnswer,
  type NodeAnswers,
  parseLink,
  peerCommand,
  renderNodeFile,
} from '../node-file.ts'
import type { Question } from '../terminal.ts'

const linksMax = 3
const linkFormat = 'NAME=OWN,PEER'

export class Init extends VccsCommand {
  static override summary = 'Write the node file and the pair key of this node.'
  static override description =
    'Asks on a terminal for what the flags do not say. A pair key that exists is kept, so that ' +
    'the second node can be given the key of the first.'
  static override examples = [
    '<%= config.bin %> init',
    '<%= config.bin %> init --name vccs-a --site tower --link net-a=192.168.1.200,192.168.1.201 ' +
      '--service-address 192.168.1.210 --interface eth0 --output ./node.yaml',
  ]
  static override flags = {
    name: Flags.string({ description: 'Name of this node.' }),
    site: Flags.string({ description: 'Name of the pair, equal on both nodes.' }),
    link: Flags.string({
      description: 'One to three links, in the same order on both nodes.',
      multiple: true,
      helpValue: linkFormat,
    }),
    reach: Flags.string({
      description: 'How terminals reach the pair (docs/reach.md); default: shared.',
      options: [...reachModes],
    }),
    'service-address': Flags.string({ description: 'The address that terminals know.' }),
    'peer-service-address': Flags.string({
      description: 'That of the other node; with --reach direct only.',
    }),
    interface: Flags.string({ description: 'Network interface of the service address.' }),
    output: Flags.string({
      char: 'o',
      description: 'Where to write the node file.',
      default: '/etc/vccs/node.yaml',
      helpValue: 'FILE',
    }),
    'key-file': Flags.string({
      description: 'Pair key; default: pair.key beside the node file.',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({ description: 'Replace a node file that exists.' }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Init)
    const output = resolve(flags.output)
    if (!flags.force && (await exists(output))) {
      throw new CliFailure('file-exists', `${output} exists already`)
    }
    const keyFile = resolve(flags['key-file'] ?? `${dirname(output)}/pair.key`)
    const ask = !flags.json && this.io.interactive ? this.io.input : null
    const links = await this.#links(flags.link, ask)
    const site = await answer('--site', flags.site, ask, { message: 'Site', initial: 'tower' })
    const name = await answer('--name', flags.name, ask, { message: 'Name', initial: 'vccs-a' })
    const reach = await reachOf(flags.reach, ask)
    const peer = flags['peer-service-address']
    const answers: NodeAnswers = {
      name,
      site,
      links,
      reach,
      serviceAddress: await answer('--service-address', flags['service-address'], ask, {
        message: 'Service address, known to the terminals',
      }),
      peerServiceAddress:
        reach === 'direct' || peer !== undefined
          ? await answer('--peer-service-address', peer, ask, {
              message: 'Service address of the other node',
            })
          : null,
      interface: await answer('--interface', flags.interface, ask, {
        message: 'Network interface of the service address',
        initial: 'eth0',
      }),
      keyFile,
    }
    const text = renderNodeFile(answers)
    await check(text)
    const keyMade = await write(keyFile, await makeKey(), { replace: false })
    const written = await write(output, text, { replace: flags.force })
    if (!written) throw new CliFailure('file-exists', `${output} exists already`)
    const result = { schema: 'vccs/init/1', output, keyFile, keyMade }
    this.print(flags, result, () => describe(answers, output, keyMade))
    return 0
  }

  async #links(given: readonly string[] | undefined, ask: Asker | null): Promise<LinkAnswer[]> {
    if (given !== undefined) return given.map(readLink)
    if (ask === null) throw missing('--link')
    const links: LinkAnswer[] = []
    while (links.length < linksMax) {
      const first = links.length === 0
      const text = await ask({
        message: `Link ${links.length + 1} as ${linkFormat}${first ? '' : ' (empty: no more)'}`,
        validate: (line) =>
          (line.trim() === '' && !first) || parseLink(line) !== null || `Write ${linkFormat}`,
      })
      if (text === '') break
      links.push(readLink(text))
    }
    return links
  }
}

/** Nobody has to know of it: with flags alone, a pair is reached as most are. */
async function reachOf(given: string | undefined, ask: Asker | null): Promise<ReachMode> {
  const isMode = (text: string | undefined): text is ReachMode =>
    reachModes.some((mode) => mode === text)
  const text =
    given ??
    (await ask?.({
      message: `How terminals reach the pair (${reachModes.join(', ')})`,
      initial: 'shared',
      validate: (line) => isMode(line.trim()) || `Write one of ${reachModes.join(', ')}`,
    }))
  return isMode(text) ? text : 'shared'
}

type Asker = (question: Question) => Promise<string>

async function answer(
  flag: string,
  given: string | undefined,
  ask: Asker | null,
  question: Question,
): Promise<string> {
  if (given !== undefined) return given
  if (ask === null) throw missing(flag)
  return ask(question)
}

function missing(flag: string): CliFailure {
  const next = 'Give the flag, or run the command on a terminal; see vccs init --help.'
  return new CliFailure('usage', `${flag} is missing, and there is no terminal to ask on`, next)
}

function readLink(text: string): LinkAnswer {
  const link = parseLink(text)
  if (link === null) throw new CliFailure('usage', `--link ${text} is not ${linkFormat}`)
  return link
}

/** The daemon's own check; loaded late, since no other command needs it. */
async function check(text: string): Promise<void> {
  const { parseNodeConfig } = await import('../../../daemon/src/oam/node-config-load.ts')
  const parsed = parseNodeConfig(text)
  if (parsed.ok) return
  const faults = parsed.failure.detail.replace(/^\d+:\d+: /gm, '').split('\n')
  const next = 'Correct the answer named; nothing was written.'
  throw new CliFailure(parsed.failure.code, faults.join('; '), next)
}

/** 256 bits, as text that survives any copying. */
async function makeKey(): Promise<string> {
  // Late: this module alone takes a tenth of the start of `status`.
  const { randomBytes } = await import('node:crypto')
  return `${randomBytes(32).toString('base64')}\n`
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null
}

/** Writes a file of mode 0600 in one step. @returns false when one exists and stays. */
async function write(path: string, text: string, options: { replace: boolean }): Promise<boolean> {
  if (!options.replace && (await exists(path))) return false
  const temporary = `${path}.${process.pid}.new`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    return true
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    const { code, message } = error as NodeJS.ErrnoException
    throw new CliFailure(code === 'EACCES' ? 'permission' : 'file-unusable', `${path}: ${message}`)
  }
}

function describe(answers: NodeAnswers, output: string, keyMade: boolean): string[] {
  const { keyFile, name } = answers
  const peerName = guessPeerName(name)
  const key = keyMade
    ? `${keyFile}  made; copy it to the other node, mode 0600, over a safe way`
    : `${keyFile}  exists and was kept; it must be equal on both nodes`
  return [
    `${output}  written`,
    key,
    '',
    'On the other node:',
    `  ${peerCommand(answers, peerName)}`,
    'Then start vccsd on both, and look at: vccs status',
  ]
}
