import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { CommandForm } from '../../ui/command-form.tsx'
import { AddressChoice, addressBody, startAddress } from './address-choice.tsx'
import type { ActionFormProps } from './order-actions.tsx'
import { ofVersion, TOUCHED } from './order-command.ts'

export function AddressForm({ order, onDone }: ActionFormProps) {
  const { client } = useSession()
  const [address, setAddress] = useState(() => startAddress(order.shipping_address))
  const body = addressBody(address)
  return (
    <CommandForm
      submit="Change the address"
      asks={body}
      run={(key) => client.put('/v1/orders/{order_id}/shipping-address', { ...ofVersion(order, key), body })}
      refresh={TOUCHED}
      done={({ shipping_address: to }) => `The order goes to ${to.city}, ${to.country}`}
      onDone={onDone}
    >
      {(error) => <AddressChoice customerId={order.customer_id} value={address} onChange={setAddress} error={error} />}
    </CommandForm>
  )
}
