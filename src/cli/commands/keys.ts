import { SCOPES, type Scope } from '../../http/scopes.ts'
import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

export const keys: Command = {
  name: 'keys',
  about: 'Make, list and revoke API keys',
  usage: 'create NAME | list | revoke KEY_ID',
  options: {
    scopes: { type: 'string', value: 'A,B', about: `Scopes of the new key (default admin): ${SCOPES.join(', ')}` },
  },
  examples: [
    'fanfold keys create storefront --scopes orders,payments,reports:read',
    'fanfold keys list',
    'fanfold keys revoke key_9aXk2',
  ],
  async run({ config, positionals, options, json, terminal }) {
    const [action, argument] = positionals
    if (action === 'create') {
      if (argument === undefined) throw new UsageError('name the key: fanfold keys create NAME')
      const scopes = String(options['scopes'] ?? 'admin').split(',') as Scope[]
      const key = await withFanfold(config, (fanfold) => fanfold.apiKeys.create(argument, scopes))
      terminal.out(json ? JSON.stringify(key) : key.secret)
      terminal.say(`${key.key_id} may: ${key.scopes.join(', ')}. The key is shown this once.`)
      return 0
    }
    if (action === 'list') {
      const list = await withFanfold(config, (fanfold) => fanfold.apiKeys.list())
      const rows = list.map((key) => [
        key.key_id,
        key.name,
        key.scopes.join(','),
        key.created_at,
        key.revoked_at ?? '-',
      ])
      terminal.out(json ? JSON.stringify(list) : table(['key', 'name', 'scopes', 'created', 'revoked'], rows))
      return 0
    }
    if (action === 'revoke') {
      if (argument === undefined) throw new UsageError('name the key: fanfold keys revoke KEY_ID')
      await withFanfold(config, (fanfold) => fanfold.apiKeys.revoke(argument))
      terminal.say(`${argument} is revoked`)
      return 0
    }
    throw new UsageError(action === undefined ? 'say what to do' : `there is no "keys ${action}"`)
  },
}
