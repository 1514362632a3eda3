// Which connections there are and which handler serves a path. Browsers are kept out
// here, for every path: the Origin field, and on loopback the Host field, must name this
// machine (DNS rebinding; mcp-protocol section 7).

#include "neurond/front/http_server.h"

#include <unistd.h>

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/base/url.h"
#include "neurond/front/unix_peer.h"

namespace neuron {

namespace {

bool is_loopback_name(std::string_view host) {
    const Result<Address> ip = Address::from_ip(host, 0);
    return equals_ignoring_case(host, "localhost") || (ip && ip->is_loopback());
}

bool listed(const std::vector<std::string>& list, std::string_view text) {
    return std::any_of(list.begin(), list.end(), [text](const std::string& item) {
        return item == "*" || equals_ignoring_case(item, text);
    });
}

/// Whether a route's path stands for `path`; see add_route().
bool covers(std::string_view route, std::string_view path) {
    if (starts_with(route, "/*")) {
        const std::string_view rest = route.substr(2);
        return ends_with(path, rest) && path.size() > rest.size() + 1 &&
               path.find('/', 1) == path.size() - rest.size();
    }
    if (route.back() == '/') {
        return starts_with(path, route) && path.size() > route.size() &&
               path.find('/', route.size()) == std::string_view::npos;
    }
    return route == path;
}

/// Admin is for operators; metrics tell too much to strangers (DESIGN 1.4, 1.7).
bool may_use(Serve what, const HttpConn::Peer& peer) {
    return what == kServeAdmin ? peer.operates : what != kServeMetrics || peer.local;
}

HttpConn::Peer peer_of(int fd, const Address& local) {
    if (!local.is_unix()) {
        const Address peer = Address::peer_of(fd);
        // "anonymous" is what loopback callers are; from elsewhere it must not match.
        const bool loopback = peer.is_loopback();
        return {{loopback ? "anonymous" : "unauthenticated", peer.to_string()},
                loopback,
                false,
                0};
    }
    const UnixPeer peer = unix_peer(fd);
    return {peer.identity, true, peer.uid == 0 || peer.uid == ::geteuid(), 0};
}

}  // namespace

HttpServer::HttpServer(EventLoop& loop, HttpServerSettings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      drained_task_(loop, Phase::kSoon, [this] { check_drained(); }) {}

HttpServer::~HttpServer() = default;

void HttpServer::add_route(std::string path, Serve what, HttpHandler& handler) {
    routes_.push_back({std::move(path), what, &handler});
}

void HttpServer::add_listener(Fd socket, unsigned serve) {
    auto listener = std::make_unique<Listener>(loop_, std::move(socket),
                                               static_cast<ListenerOwner&>(*this));
    const Address address = listener->address();
    doors_.push_back({std::move(listener), address, serve, address.is_loopback()});
}

std::vector<std::string> HttpServer::addresses() const {
    std::vector<std::string> out;
    for (const Door& door : doors_) {
        out.push_back(door.address.to_string());
    }
    return out;
}

unsigned HttpServer::add_door(const Address& address, unsigned serve) {
    doors_.push_back({nullptr, address, serve, address.is_loopback()});
    return static_cast<unsigned>(doors_.size() - 1);
}

bool HttpServer::has_room(bool local) const noexcept {
    const size_t reserve = local ? kOperatorConnections : 0;
    return conns_.size() + guests_ < settings_.connections + reserve;
}

bool HttpServer::may_accept(const Listener& listener) const {
    return has_room(listener.address().is_unix());
}

void HttpServer::on_accept(Listener& listener, Fd socket) {
    const auto door = std::find_if(doors_.begin(), doors_.end(), [&](const Door& d) {
        return d.listener.get() == &listener;
    });
    take(std::move(socket), static_cast<unsigned>(door - doors_.begin()));
}

void HttpServer::take(Fd socket, unsigned door) {
    HttpConn::Peer peer = peer_of(socket.get(), doors_[door].address);
    peer.listener = door;
    conns_.add(std::make_unique<HttpConn>(loop_, make_socket_stream(std::move(socket)),
                                          std::move(peer), table_,
                                          static_cast<HttpConnOwner&>(*this)));
}

HttpHandler* HttpServer::route(const HttpConn& conn, const HttpRequest& request,
                               HttpReply& otherwise) {
    const Door& door = doors_[conn.peer().listener];
    const std::optional<std::string_view> origin = request.head.fields.field("Origin");
    if (origin && !origin_allowed(*origin)) {
        otherwise = HttpReply::text(403, "403 Forbidden: this Origin is not allowed");
        return nullptr;
    }
    if (door.loopback && !door.address.is_unix() &&
        !host_allowed(request.head.authority)) {
        otherwise = HttpReply::text(403, "403 Forbidden: this Host is not allowed");
        return nullptr;
    }
    if (request.head.form == TargetForm::kAsterisk) {
        otherwise = HttpReply();
        otherwise.status = 204;
        otherwise.fields.emplace_back("Allow", "GET, HEAD, POST, DELETE, OPTIONS");
        return nullptr;
    }
    for (const Route& route : routes_) {
        if (covers(route.path, request.head.path) && (door.serve & route.what) != 0) {
            if (!may_use(route.what, conn.peer())) {
                otherwise = HttpReply::text(403, "403 Forbidden");
                return nullptr;
            }
            return route.handler;
        }
    }
    otherwise = HttpReply::text(404, "404 Not Found");
    return nullptr;
}

/// Absent is fine (no browser); else the parsed host decides, never a substring.
bool HttpServer::origin_allowed(std::string_view origin) const {
    if (listed(settings_.allowed_origins, origin)) {
        return true;
    }
    const Result<Url> url = parse_url(origin);
    return url && is_loopback_name(url->host);
}

bool HttpServer::host_allowed(std::string_view authority) const {
    if (authority.empty() || listed(settings_.allowed_hosts, authority)) {
        return true;
    }
    const auto host = parse_host_port(authority);
    return host && (is_loopback_name(host->host) ||
                    listed(settings_.allowed_hosts, host->host));
}

void HttpServer::on_conn_closed(HttpConn& conn, const std::string& reason) {
    log_debug("http", "%s closed: %s", conn.peer().identity.peer.c_str(),
              reason.c_str());
    loop_.retire(conns_.release(conn));
    if (draining_) {
        drained_task_.schedule();
        return;
    }
    for (const Door& door : doors_) {
        if (door.listener != nullptr) {
            door.listener->resume();
        }
    }
}

void HttpServer::drain(std::function<void()> drained) {
    draining_ = true;
    drained_ = std::move(drained);
    for (Door& door : doors_) {
        door.listener.reset();
    }
    table_.for_each([](HttpConn& conn) { conn.drain(); });
    drained_task_.schedule();
}

void HttpServer::on_conn_lingering() {
    if (draining_) {
        drained_task_.schedule();
    }
}

void HttpServer::check_drained() {
    bool busy = false;
    table_.for_each([&busy](const HttpConn& conn) { busy = busy || !conn.finished(); });
    if (!busy && drained_) {
        const auto drained = std::exchange(drained_, nullptr);
        drained();
    }
}

}  // namespace neuron
