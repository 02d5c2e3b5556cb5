import './orders.css'
import { Route, Switch } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { OrderList } from './order-list.tsx'
import { OrderPage } from './order-page.tsx'
import { PlaceOrder } from './place-order.tsx'

export default function Orders() {
  const { can } = useSession()
  return (
    <Switch>
      <Route path="/">
        <OrderList />
      </Route>
      {can('orders') ? (
        <Route path="/new">
          <PlaceOrder />
        </Route>
      ) : null}
      <Route path="/:order_id">{({ order_id: id }) => <OrderPage key={id} orderId={decodeURIComponent(id)} />}</Route>
    </Switch>
  )
}
