//! The program as it is installed: wrapper, bundle, help, completion, a full pipe.
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type FakeDaemon, startFakeDaemon } from './fake-daemon.ts'

const root = join(import.meta.dirname, '../..')
const program = join(root, 'cli/bin/vccs')
let daemon: FakeDaemon
let directory: string

test.before(async () => {
  if (!existsSync(join(root, 'cli/dist/oclif.manifest.json'))) {
    execFileSync(process.execPath, [join(root, 'scripts/build-cli.ts')])
  }
  daemon = await startFakeDaemon()
  directory = mkdtempSync(join(tmpdir(), 'vccs-program-'))
})
test.after.always(async () => {
  await daemon.close()
  rmSync(directory, { recursive: true })
})

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function start(file: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const options = { env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...env } }
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

test('it runs through a symbolic link, and the socket comes from the environment', async (t) => {
  const link = join(directory, 'vccs')
  symlinkSync(program, link)
  const result = await start(link, ['status'], { VCCS_SOCKET: daemon.socket })
  t.is(result.stderr, '')
  t.is(result.code, 0)
  t.regex(result.stdout, /A switchover now would be SAFE/)
  // Not a terminal: no colour, whatever TERM says.
  t.false(result.stdout.includes('\u001b'))
})

test('its exit code and its JSON are those of the command', async (t) => {
  const result = await start(program, ['status', '--json', '--socket', '/nonexistent.sock'])
  t.is(result.code, 4)
  t.is(result.stderr, '')
  t.is(JSON.parse(result.stdout).schema, 'vccs/error/1')
})

test('help of the program and of a command, with an example', async (t) => {
  const all = await start(program, ['--help'])
  t.is(all.code, 0)
  for (const word of ['status', 'switchover', 'failover', 'sync-db', 'config']) {
    t.regex(all.stdout, new RegExp(`^ {2}${word} `, 'm'))
  }
  // A topic is named by what it is, not by the first of its commands.
  t.regex(all.stdout, /^ {2}sync +What is replicated: its state, a comparison, the failure log\.$/m)
  t.regex(all.stdout, /^ {2}call +One call: what it consists of/m)
  for (const args of [
    ['config', 'set', '--help'],
    ['help', 'config', 'set'],
  ]) {
    const one = await start(program, args)
    t.is(one.code, 0)
    t.regex(one.stdout, /EXAMPLES\n {2}\$ vccs config set accounts\.1001\.name "Tower 1"/)
  }
})

test('a reader that stops early ends it quietly', async (t) => {
  const line = `'${program}' --help | head -n 1`
  const { stdout, stderr } = await start('sh', ['-c', line])
  t.is(stderr, '')
  t.is(stdout.split('\n').length, 2)
})

/** What bash offers for a line. Never with spawnSync: the scripted daemon answers in this process. */
async function completions(line: string): Promise<string[]> {
  const script = `
    eval "$('${program}' completion bash)"
    COMP_WORDS=(${line})
    [[ '${line}' == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    _vccs
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = await start('bash', ['--norc', '-c', script])
  if (stderr !== '') throw new Error(stderr)
  return stdout.split('\n').filter(Boolean).sort()
}

test('bash completes commands, sub-commands, flags and values', async (t) => {
  t.deepEqual(await completions('vccs sw'), ['switchover'])
  t.deepEqual(await completions('vccs config '), [
    'apply',
    'diff',
    'export',
    'get',
    'set',
    'validate',
  ])
  t.deepEqual(await completions('vccs switchover --re'), ['--reason'])
  t.deepEqual(await completions('vccs config get --n'), ['--no-color', '--node'])
  t.deepEqual(await completions('vccs status --node '), ['peer', 'self'])
  t.deepEqual(await completions('vccs log --level w'), ['warn'])
  t.deepEqual(await completions('vccs --json st'), ['status'])
  t.deepEqual(await completions('vccs completion '), ['bash', 'zsh'])
})

const zsh = spawnSync('zsh', ['--version']).status === 0
const zshTest = zsh ? test : test.skip
zshTest('the zsh script is zsh', async (t) => {
  const { stdout } = await start(program, ['completion', 'zsh'])
  const { status, stderr } = spawnSync('zsh', ['-n'], { input: stdout, encoding: 'utf8' })
  t.is(stderr, '')
  t.is(status, 0)
})

test('the bundle reads values as the sources do', async (t) => {
  const set = ['config', 'set', 'accounts.1001.name', 'Tower 1', '--dry-run', '--socket']
  const good = await start(program, [...set, daemon.socket])
  t.is(good.stderr, '')
  t.is(good.code, 0)
  const bad = await start(program, ['config', 'set', 'accounts.1.password', '[secret'])
  t.is(bad.code, 2)
  t.false(bad.stderr.includes('secret'))
})
