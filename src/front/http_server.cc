// Which connections there are and which handler serves a path. Browsers are kept out
// here, for every path: the Origin field, and on loopback the Host field, must name this
// machine (DNS rebinding; mcp-protocol section 7).

#include "neurond/front/http_server.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/base/url.h"
#include "neurond/front/cors.h"

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
    const auto wanted = split(route, '/');
    const auto given = split(path, '/');
    if (wanted.size() != given.size()) {
        return false;
    }
    for (size_t i = 1; i < wanted.size(); ++i) {
        const bool any = wanted[i] == "*" || wanted[i].empty();
        if (any ? given[i].empty() : given[i] != wanted[i]) {
            return false;
        }
    }
    return true;
}

}  // namespace

HttpServer::HttpServer(EventLoop& loop, HttpServerSettings settings,
                       std::shared_ptr<const Clients> clients)
    : loop_(loop),
      settings_(std::move(settings)),
      clients_(std::move(clients)),
      arrivals_(
          loop, settings_.handshake_timeout,
          [this](std::unique_ptr<Stream> stream, const TlsPeer& peer, unsigned door) {
              serve(std::move(stream), door, peer);
          },
          [this] { made_room(); }),
      drained_task_(loop, Phase::kSoon, [this] { check_drained(); }) {}

HttpServer::~HttpServer() = default;

void HttpServer::add_route(std::string path, Serve what, HttpHandler& handler) {
    routes_.push_back({std::move(path), what, &handler});
}

/// Numbers of closed doors are used again once nobody who came through is left.
unsigned HttpServer::add(Door door) {
    for (unsigned i = 0; i < doors_.size(); ++i) {
        bool used = !doors_[i].closed;
        table_.for_each([&](const HttpConn& conn) {
            used = used || conn.peer().listener == i;
        });
        if (!used && arrivals_.size() == 0) {
            doors_[i] = std::move(door);
            return i;
        }
    }
    doors_.push_back(std::move(door));
    return static_cast<unsigned>(doors_.size() - 1);
}

unsigned HttpServer::add_listener(Fd socket, DoorSettings settings) {
    auto listener = std::make_unique<Listener>(loop_, std::move(socket),
                                               static_cast<ListenerOwner&>(*this));
    const Address address = listener->address();
    return add({std::move(listener), address, std::move(settings), address.is_loopback()});
}

std::vector<std::string> HttpServer::addresses() const {
    std::vector<std::string> out;
    for (const Door& door : doors_) {
        if (!door.closed) {
            out.push_back(door.address.to_string());
        }
    }
    return out;
}

std::vector<std::string> HttpServer::described_addresses() const {
    std::vector<std::string> out;
    for (const Door& door : doors_) {
        if (door.closed) {
            continue;
        }
        const std::string& name = door.settings.name;
        out.push_back(door.address.to_string() + (name.empty() ? "" : " (" + name + ")"));
    }
    return out;
}

void HttpServer::change(HttpServerSettings settings,
                        std::shared_ptr<const Clients> clients) {
    settings_ = std::move(settings);
    clients_ = std::move(clients);
    arrivals_.set_timeout(settings_.handshake_timeout);
    made_room();
}

void HttpServer::judge_again() {
    table_.for_each([this](HttpConn& conn) {
        if (conn.finished()) {
            return;
        }
        const Status vouched = vouched_for(conn.peer());
        if (!vouched && conn.peer().welcome) {
            log_info("http", "%s: let in no more: %s",
                     conn.peer().caller.identity.peer.c_str(),
                     vouched.error().message.c_str());
        }
        conn.judge_again(caller_of(conn.peer()), static_cast<bool>(vouched));
    });
}

/// Whether a handshake through the same door would let the same peer in now.
Status HttpServer::vouched_for(const HttpConn::Peer& peer) const {
    const std::shared_ptr<TlsContext>& now = doors_[peer.listener].settings.tls;
    const TlsProof* proof = peer.tls.proof.get();
    if ((now == nullptr) != (proof == nullptr)) {
        return Error{now == nullptr ? "there is no TLS any more" : "it came without TLS"};
    }
    if (proof == nullptr) {
        return Ok{};
    }
    return proof->holds_for(*now);
}

bool HttpServer::may_stay(const Credentials& shown) const {
    const Door& door = doors_[shown.peer.listener];
    if (door.closed || (door.settings.serve & kServeMcp) == 0 ||
        !vouched_for(shown.peer)) {
        return false;
    }
    const auto now = with_token(caller_of(shown.peer), shown.token, *clients_);
    HttpReply otherwise;
    return now && now->identity == shown.identity &&
           may_use(*now, shown.peer, kServeMcp, otherwise);
}

void HttpServer::change_door(unsigned door, DoorSettings settings) {
    doors_[door].settings = std::move(settings);
}

void HttpServer::close_door(unsigned door) {
    doors_[door].closed = true;
    doors_[door].listener.reset();
    table_.for_each([door](HttpConn& conn) {
        if (conn.peer().listener == door) {
            conn.part();
        }
    });
}

unsigned HttpServer::add_door(const Address& address, DoorSettings settings) {
    return add({nullptr, address, std::move(settings), address.is_loopback()});
}

bool HttpServer::has_room(bool local) const noexcept {
    const size_t reserve = local ? kOperatorConnections : 0;
    size_t open = conns_.size() + arrivals_.size();
    for (const auto& [door, count] : guests_) {
        open += count;
    }
    return open < settings_.connections + reserve;
}

void HttpServer::set_guests(const void* door, size_t count) {
    guests_[door] = count;
    made_room();
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
    const Door& from = doors_[door];
    if (from.settings.tls != nullptr) {
        arrivals_.add(std::move(socket), from.settings.tls, door);
        return;
    }
    serve(make_socket_stream(std::move(socket)), door, {});
}

HttpConn::Peer HttpServer::peer_at(unsigned door, int socket, TlsPeer tls) const {
    const Door& from = doors_[door];
    HttpConn::Peer peer;
    peer.listener = door;
    peer.socket = socket;
    peer.tls = std::move(tls);
    peer.strict_names = from.settings.strict_names;
    peer.local = from.address.is_unix() || Address::peer_of(socket).is_loopback();
    peer.caller = caller_of(peer);
    return peer;
}

/// Files may have changed since a handshake began.
void HttpServer::serve(std::unique_ptr<Stream> stream, unsigned door, TlsPeer tls) {
    HttpConn::Peer peer = peer_at(door, stream->read_fd(), std::move(tls));
    peer.welcome = static_cast<bool>(vouched_for(peer));
    conns_.add(std::make_unique<HttpConn>(
        loop_, counted(std::move(stream), byte_counts_), std::move(peer), table_,
        static_cast<HttpConnOwner&>(*this)));
}

/// From what the connection itself tells, and who the clients are by now.
Caller HttpServer::caller_of(const HttpConn::Peer& peer) const {
    return doors_[peer.listener].address.is_unix()
               ? unix_caller(peer.socket, *clients_)
               : tcp_caller(Address::peer_of(peer.socket), peer.tls, *clients_);
}

std::optional<Caller> HttpServer::identify(const HttpConn& conn,
                                           const RequestHead& head) const {
    return conn.peer().welcome
               ? with_token(conn.peer().caller, shown_token(head.fields), *clients_)
               : std::nullopt;
}

/// Health is for everybody. Metrics tell too much to strangers, and calls need a caller:
/// one from this machine, or one that has proved who it is. Admin is for operators.
bool HttpServer::may_use(const Caller& caller, const HttpConn::Peer& peer, Serve what,
                         HttpReply& otherwise) const {
    const bool open = what == kServeMcp && settings_.open;
    if (what == kServeAdmin) {
        return may_operate(caller, peer, otherwise);
    }
    if (what == kServeHealth || caller.known || peer.local || open) {
        return true;
    }
    otherwise = HttpReply::unauthorized(false);
    return false;
}

/// A client with `admin = yes`; on the control socket also whom the daemon belongs to.
bool HttpServer::may_operate(const Caller& caller, const HttpConn::Peer& peer,
                             HttpReply& otherwise) const {
    const bool control = doors_[peer.listener].settings.control;
    if (caller.admin || (caller.owner && control)) {
        return true;
    }
    otherwise = caller.known
                    ? HttpReply::text(403, "403 Forbidden: this needs admin = yes")
                    : HttpReply::unauthorized(false);
    return false;
}

HttpHandler* HttpServer::route(const HttpConn& conn, const HttpRequest& request,
                               HttpReply& otherwise) {
    const Door& door = doors_[conn.peer().listener];
    if (!origins_allowed(request.head)) {
        otherwise = HttpReply::text(403, "403 Forbidden: this Origin is not allowed");
        return nullptr;
    }
    if (door.loopback && !door.address.is_unix() &&
        !host_allowed(request.head.authority)) {
        otherwise = HttpReply::text(403, "403 Forbidden: this Host is not allowed");
        return nullptr;
    }
    if (settings_.cors) {
        if (auto answer = answer_preflight(request.head); answer) {
            otherwise = std::move(*answer);
            return nullptr;
        }
    }
    if (!conn.caller()) {
        refusals_.note(request, Refusal::kInvalid, loop_.now());
        otherwise = HttpReply::unauthorized(true);
        return nullptr;
    }
    if (request.head.form == TargetForm::kAsterisk) {
        otherwise = HttpReply();
        otherwise.status = 204;
        otherwise.fields.emplace_back("Allow", "GET, HEAD, POST, DELETE, OPTIONS");
        return nullptr;
    }
    for (const Route& route : routes_) {
        const bool served = (door.settings.serve & route.what) != 0;
        if (served && covers(route.path, request.head.path)) {
            const bool may = may_use(*conn.caller(), conn.peer(), route.what, otherwise);
            if (!may) {
                const bool known = conn.caller()->known;
                refusals_.note(request, known ? Refusal::kForbidden : Refusal::kMissing,
                               loop_.now());
            }
            return may ? route.handler : nullptr;
        }
    }
    otherwise = HttpReply::text(404, "404 Not Found");
    return nullptr;
}

std::vector<std::pair<std::string, std::string>> HttpServer::answer_fields(
    const RequestHead& head) const {
    if (!settings_.cors) {
        return {};
    }
    return cors_fields(origins_allowed(head) ? head.fields.field("Origin") : std::nullopt);
}

/// Absent is fine: no browser.
bool HttpServer::origins_allowed(const RequestHead& head) const {
    const std::optional<std::string_view> origin = head.fields.field("Origin");
    return !origin || (head.fields.count("Origin") == 1 && origin_allowed(*origin));
}

/// The parsed host decides, never a substring.
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
    log_debug("http", "%s closed: %s", conn.peer().caller.identity.peer.c_str(),
              reason.c_str());
    loop_.retire(conns_.release(conn));
    if (draining_) {
        drained_task_.schedule();
        return;
    }
    made_room();
}

void HttpServer::made_room() {
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
    arrivals_.drop();
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
