"""Who a visitor is and what they may read: the API server says so, and is asked seldom."""
