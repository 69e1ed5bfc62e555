"""Mail to subscribers and organisers: subscriptions, the queue of deliveries, and digests."""
