// Which request goes on which connection. Connections are made when there is something to
// send, one for one; a server that refuses them is asked once a request, not more.

#include "neurond/net/http_pool.h"

#include <algorithm>

#include "neurond/base/limits.h"

namespace neuron {

HttpPool::HttpPool(EventLoop& loop, ResolverCache& names, const HttpTarget& target,
                   std::function<void()> room)
    : loop_(loop),
      names_(names),
      target_(target),
      room_(std::move(room)),
      pump_task_(loop, Phase::kSoon, [this] { pump(); }) {}

HttpPool::~HttpPool() = default;

void HttpPool::start(HttpJob job) {
    const bool behind = !job.urgent && !waiting_.empty();
    if (behind || !place(job)) {
        wait(std::move(job));
    }
}

void HttpPool::wait(HttpJob job) {
    auto at = waiting_.end();
    if (job.urgent) {
        at = std::find_if(waiting_.begin(), waiting_.end(),
                          [](const HttpJob& each) { return !each.urgent; });
    }
    waiting_.insert(at, std::move(job));
}

/// False when there is no connection for it now; the job is then untouched.
bool HttpPool::place(HttpJob& job) {
    if (!job.urgent && ordinary_ >= target_.max_connections) {
        return false;
    }
    while (!idle_.empty()) {
        HttpClientConn* conn = idle_.back();
        if (conn->usable()) {
            idle_.pop_back();
            occupy(*conn, job.urgent);
            conn->begin(std::move(job));
            return true;
        }
        conn->abort();
        bury(*conn);
    }
    if (conns_.size() - aside_ >= target_.max_connections + kUrgentConnections) {
        return false;
    }
    const bool urgent = job.urgent;
    occupy(conns_.add(std::make_unique<HttpClientConn>(
               loop_, names_, target_, std::move(job),
               static_cast<HttpClientConnOwner&>(*this))),
           urgent);
    return true;
}

void HttpPool::occupy(HttpClientConn& conn, bool urgent) {
    conn.counts = !urgent;
    ordinary_ += urgent ? 0 : 1;
}

void HttpPool::free(HttpClientConn& conn) {
    ordinary_ -= std::exchange(conn.counts, false) ? size_t{1} : 0;
    aside_ -= std::exchange(conn.aside, false) ? size_t{1} : 0;
}

void HttpPool::set_aside(const HttpExchange& exchange, bool aside) {
    conns_.for_each([&](HttpClientConn& conn) {
        const bool changes = aside ? conn.counts : conn.aside;
        if (conn.serves(exchange) && changes) {
            free(conn);
            conn.aside = aside;
            aside_ += aside ? 1 : 0;
            conn.counts = !aside;
            ordinary_ += aside ? 0 : 1;
        }
    });
    pump_task_.schedule();
}

void HttpPool::cancel(const HttpExchange& exchange) {
    const auto found = std::find_if(
        waiting_.begin(), waiting_.end(),
        [&exchange](const HttpJob& job) { return job.exchange == &exchange; });
    if (found != waiting_.end()) {
        waiting_.erase(found);
        return;
    }
    conns_.for_each([this, &exchange](HttpClientConn& conn) {
        if (conn.serves(exchange)) {
            conn.abort();
            bury(conn);
        }
    });
    pump_task_.schedule();
}

bool HttpPool::full() const noexcept {
    return ordinary_ + waiting_.size() >= target_.max_connections;
}

void HttpPool::bury(HttpClientConn& conn) {
    free(conn);
    idle_.erase(std::remove(idle_.begin(), idle_.end(), &conn), idle_.end());
    loop_.retire(conns_.release(conn));
}

void HttpPool::on_conn_idle(HttpClientConn& conn) {
    free(conn);
    if (idle_.size() < target_.idle_connections || !waiting_.empty()) {
        idle_.push_back(&conn);
    } else {
        conn.abort();
        bury(conn);
    }
    pump_task_.schedule();
}

void HttpPool::on_conn_repeat(HttpJob&& job) {
    job.repeated = true;
    waiting_.push_front(std::move(job));
    pump_task_.schedule();
}

void HttpPool::on_conn_end(HttpClientConn& conn) {
    bury(conn);
    pump_task_.schedule();
}

void HttpPool::pump() {
    while (!waiting_.empty() && place(waiting_.front())) {
        waiting_.pop_front();
    }
    if (!full()) {
        room_();
    }
}

}  // namespace neuron
