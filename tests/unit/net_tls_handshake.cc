#include "neurond/net/tls_handshake.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "loop_world.h"
#include "net_tls_files.h"

using namespace neuron;

namespace {

using Auth = TlsSettings::ClientAuth;
using Words = std::vector<std::string>;

std::shared_ptr<TlsContext> context(const TlsSettings& settings) {
    std::vector<TlsFinding> findings;
    auto made = TlsContext::make(settings, findings);
    REQUIRE((made != nullptr));
    return made;
}

TlsSettings server_settings(Auth auth = Auth::kNone) {
    TlsSettings out;
    out.cert = {"server.pem", kServerPem};
    out.key = {"server.key", kServerKeyPem};
    out.ca = {"ca.pem", auth == Auth::kNone ? "" : kCaPem};
    out.client_auth = auth;
    return out;
}

TlsSettings client_settings(const char* cert = "", const char* key = "") {
    TlsSettings out;
    out.role = TlsSettings::Role::kClient;
    out.ca = {"ca.pem", kCaPem};
    out.cert = {"cert.pem", cert};
    out.key = {"cert.key", key};
    return out;
}

/// One side of a handshake, and what it came to.
struct Side final : TlsHandshakeOwner {
    void on_tls_ready(TlsHandshake&, std::unique_ptr<Stream> ready,
                      TlsPeer other) override {
        CHECK(!over);
        over = true;
        stream = std::move(ready);
        peer = std::move(other);
    }
    void on_tls_failed(TlsHandshake&, const std::string& reason) override {
        CHECK(!over);
        over = true;
        why = reason;
    }
    bool over = false;
    std::unique_ptr<Stream> stream;
    TlsPeer peer;
    std::string why;
    std::unique_ptr<TlsHandshake> handshake;
};

/// A client and a server on one loop.
struct Meeting {
    explicit Meeting(Millis timeout = Millis{60 * 1000}) : patience(timeout) {
        ::signal(SIGPIPE, SIG_IGN);  // as the daemon does: OpenSSL writes plainly
    }

    void begin(const std::shared_ptr<TlsContext>& ours,
               const std::shared_ptr<TlsContext>& theirs, const std::string& host) {
        FdPair ends = make_socket_pair();
        server.handshake = std::make_unique<TlsHandshake>(
            loop, std::move(ends.first), ours, patience, queue, server);
        client.handshake = std::make_unique<TlsHandshake>(loop, std::move(ends.second),
                                                          theirs, patience, host, client);
    }
    /// A failure of one side reaches the other by the end of its connection.
    void finish() {
        REQUIRE(turn_until(loop, [this] {
            if (server.over && server.stream == nullptr) {
                server.handshake.reset();
            }
            if (client.over && client.stream == nullptr) {
                client.handshake.reset();
            }
            return server.over && client.over;
        }));
    }
    std::string pass(Stream& from, Stream& to, const std::string& text) {
        iovec part{const_cast<char*>(text.data()), text.size()};
        REQUIRE(from.write(&part, 1).bytes == text.size());
        std::string got(text.size() + 1, '\0');
        Io io{Io::State::kWantRead};
        REQUIRE(turn_until(loop, [&] {
            if (io.state == Io::State::kWantRead) {
                io = to.read(got.data(), got.size());
            }
            return io.state != Io::State::kWantRead;
        }));
        return got.substr(0, io.bytes);
    }

    Millis patience;
    EventLoop loop;
    TlsQueue queue{loop};
    Side server;
    Side client;
};

}  // namespace

TEST_CASE("two that believe each other talk, and each knows the other's names") {
    for (const char* host : {"localhost", "127.0.0.1"}) {
        CAPTURE(host);
        Meeting meeting;
        meeting.begin(context(server_settings(Auth::kRequired)),
                      context(client_settings(kAlicePem, kAliceKeyPem)), host);
        meeting.finish();
        REQUIRE((meeting.server.stream != nullptr));
        REQUIRE((meeting.client.stream != nullptr));
        CHECK(meeting.server.peer.certified);
        CHECK(meeting.server.peer.common_name == "alice");
        CHECK(meeting.server.peer.names == Words{"alice.example", "spiffe://x/alice",
                                                 "a@b.example", "10.0.0.1", "::1"});
        CHECK(meeting.client.peer.common_name == "server");
        Stream& server = *meeting.server.stream;
        Stream& client = *meeting.client.stream;
        CHECK(meeting.pass(client, server, "ping") == "ping");
        CHECK(meeting.pass(server, client, "pong") == "pong");
    }
}

TEST_CASE("who is not believed does not get in") {
    TlsSettings revoking = server_settings(Auth::kRequired);
    revoking.crl = {"crl.pem", kCrlPem};
    TlsSettings stranger = client_settings();
    stranger.ca = {"other.pem", kOtherCaPem};
    TlsSettings only13 = server_settings();
    only13.only_tls13 = true;
    struct Row {
        TlsSettings server;
        TlsSettings client;
        const char* host;
        const char* why;
        bool by_client;  ///< it is the client that says so
    };
    const Row rows[] = {
        {server_settings(), client_settings(), "else.example", "hostname mismatch", true},
        {server_settings(), client_settings(), "127.0.0.2", "IP address mismatch", true},
        {server_settings(), stranger, "localhost", "unable to get local issuer", true},
        {server_settings(Auth::kRequired), client_settings(), "localhost",
         "peer did not return a certificate", false},
        {server_settings(Auth::kRequired), client_settings(kLatePem, kLateKeyPem),
         "localhost", "certificate has expired", false},
        {server_settings(Auth::kOptional), client_settings(kLatePem, kLateKeyPem),
         "localhost", "certificate has expired", false},
        {revoking, client_settings(kGonePem, kGoneKeyPem), "localhost",
         "certificate revoked", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.why);
        Meeting meeting;
        meeting.begin(context(row.server), context(row.client), row.host);
        meeting.finish();
        const Side& judge = row.by_client ? meeting.client : meeting.server;
        CHECK((judge.stream == nullptr));
        CHECK(judge.why.find("TLS: ") == 0);
        CHECK(judge.why.find(row.why) != std::string::npos);
    }
}

TEST_CASE("who shows nothing where nothing is asked is nobody") {
    for (const Auth auth : {Auth::kNone, Auth::kOptional}) {
        Meeting meeting;
        meeting.begin(context(server_settings(auth)), context(client_settings()),
                      "localhost");
        meeting.finish();
        REQUIRE((meeting.server.stream != nullptr));
        CHECK_FALSE(meeting.server.peer.certified);
        CHECK(meeting.server.peer.names.empty());
    }
}

TEST_CASE("a session is resumed in the context that made it, and in no other") {
    const auto client = context(client_settings(kAlicePem, kAliceKeyPem));
    const auto first = context(server_settings(Auth::kRequired));
    TlsSettings forgetful = server_settings(Auth::kRequired);
    forgetful.session_tickets = false;
    const auto meet = [&client](const std::shared_ptr<TlsContext>& server) {
        Meeting meeting;
        meeting.begin(server, client, "localhost");
        meeting.finish();
        REQUIRE((meeting.server.stream != nullptr));
        // What comes behind the handshake brings the ticket.
        meeting.pass(*meeting.server.stream, *meeting.client.stream, "x");
        CHECK(meeting.server.peer.certified);
        CHECK(meeting.server.peer.common_name == "alice");
        return meeting.server.peer.resumed;
    };
    CHECK_FALSE(meet(first));
    CHECK(meet(first));
    CHECK_FALSE(meet(context(server_settings(Auth::kRequired))));  // the same files anew
    CHECK_FALSE(meet(context(forgetful)));
}

TEST_CASE("a ticket does not bring a revoked certificate back") {
    const auto client = context(client_settings(kGonePem, kGoneKeyPem));
    const auto meet = [&client](const std::shared_ptr<TlsContext>& server,
                                Meeting& meeting) {
        meeting.begin(server, client, "localhost");
        meeting.finish();
    };
    Meeting before;
    meet(context(server_settings(Auth::kRequired)), before);
    REQUIRE((before.server.stream != nullptr));
    before.pass(*before.server.stream, *before.client.stream, "x");
    TlsSettings revoking = server_settings(Auth::kRequired);
    revoking.crl = {"crl.pem", kCrlPem};
    Meeting after;
    meet(context(revoking), after);
    CHECK((after.server.stream == nullptr));
    CHECK(after.server.why == "TLS: certificate revoked");
}

TEST_CASE("who was let in is judged again by other files") {
    TlsSettings revoking = server_settings(Auth::kRequired);
    revoking.crl = {"crl.pem", kCrlPem};
    TlsSettings strangers = server_settings(Auth::kRequired);
    strangers.ca = {"other.pem", kOtherCaPem};
    const TlsSettings asking = server_settings(Auth::kOptional);
    const TlsSettings demanding = server_settings(Auth::kRequired);
    const TlsSettings deaf = server_settings(Auth::kNone);
    struct Row {
        const char* cert;
        const char* key;
        const TlsSettings& before;
        const TlsSettings& now;
        const char* why;  ///< "": it may stay
    };
    const Row rows[] = {
        {kAlicePem, kAliceKeyPem, demanding, demanding, ""},
        {kAlicePem, kAliceKeyPem, demanding, asking, ""},
        {kAlicePem, kAliceKeyPem, demanding, revoking, ""},
        {kAlicePem, kAliceKeyPem, demanding, strangers,
         "self-signed certificate in certificate chain"},
        {kAlicePem, kAliceKeyPem, demanding, deaf, "client certificates count no more"},
        {kGonePem, kGoneKeyPem, demanding, demanding, ""},
        {kGonePem, kGoneKeyPem, demanding, revoking, "certificate revoked"},
        {kGonePem, kGoneKeyPem, asking, revoking, "certificate revoked"},
        {"", "", asking, asking, ""},
        {"", "", asking, deaf, ""},
        {"", "", deaf, asking, ""},
        {"", "", asking, demanding, "peer did not return a certificate"},
        {"", "", deaf, revoking, "peer did not return a certificate"},
    };
    for (const Row& row : rows) {
        CAPTURE(&row - rows);
        Meeting meeting;
        meeting.begin(context(row.before), context(client_settings(row.cert, row.key)),
                      "localhost");
        meeting.finish();
        REQUIRE((meeting.server.peer.proof != nullptr));
        const Status held = meeting.server.peer.proof->holds_for(*context(row.now));
        CHECK((held ? "" : held.error().message) == std::string(row.why));
    }
}

TEST_CASE("a handshake that stalls is cut, and one that is given up goes quietly") {
    Meeting meeting(Millis{1});
    FdPair ends = make_socket_pair();
    meeting.server.handshake = std::make_unique<TlsHandshake>(
        meeting.loop, std::move(ends.first), context(server_settings()), Millis{1},
        meeting.queue, meeting.server);
    put(ends.second, "\x16\x03\x01");
    REQUIRE(turn_until(meeting.loop, [&] { return meeting.server.over; }));
    CHECK(meeting.server.why == "TLS: no handshake in time");

    Meeting other;
    other.begin(context(server_settings()), context(client_settings()), "localhost");
    other.server.handshake.reset();  // while it waits for its turn
    other.client.handshake.reset();
    other.loop.turn(Millis{0});
    CHECK_FALSE(other.server.over);
}

TEST_CASE("many handshakes share the turns") {
    const auto server = context(server_settings());
    const auto client = context(client_settings());
    EventLoop loop;
    TlsQueue queue(loop);
    std::vector<std::unique_ptr<Side>> sides;
    for (int i = 0; i < 30; ++i) {
        FdPair ends = make_socket_pair();
        sides.push_back(std::make_unique<Side>());
        Side& ours = *sides.back();
        ours.handshake = std::make_unique<TlsHandshake>(
            loop, std::move(ends.first), server, Millis{60 * 1000}, queue, ours);
        sides.push_back(std::make_unique<Side>());
        Side& theirs = *sides.back();
        theirs.handshake =
            std::make_unique<TlsHandshake>(loop, std::move(ends.second), client,
                                           Millis{60 * 1000}, "localhost", theirs);
    }
    CHECK(turn_until(loop, [&sides] {
        for (const auto& side : sides) {
            if (!side->over) {
                return false;
            }
        }
        return true;
    }));
    for (const auto& side : sides) {
        CHECK((side->stream != nullptr));
    }
}

TEST_CASE("an end is told, a cut is a failure") {
    const auto meet = [](Meeting& meeting) {
        meeting.begin(context(server_settings()), context(client_settings()), "localhost");
        meeting.finish();
        meeting.pass(*meeting.server.stream, *meeting.client.stream, "x");
    };
    char byte = 0;
    Meeting polite;
    meet(polite);
    CHECK(polite.client.stream->is_silent());
    CHECK(polite.server.stream->end_output());
    CHECK(polite.client.stream->read(&byte, 1).state == Io::State::kEnd);
    CHECK(polite.pass(*polite.client.stream, *polite.server.stream, "y") == "y");

    Meeting rude;
    meet(rude);
    ::shutdown(rude.server.stream->write_fd(), SHUT_RDWR);
    CHECK(rude.client.stream->read(&byte, 1).state == Io::State::kFailed);
    CHECK(rude.client.stream->reason().find("TLS: ") == 0);
}

TEST_CASE("what is read is what was written, in whatever pieces") {
    Meeting meeting;
    meeting.begin(context(server_settings()), context(client_settings()), "localhost");
    meeting.finish();
    Stream& from = *meeting.client.stream;
    Stream& to = *meeting.server.stream;
    std::string sent;
    for (size_t i = 0; i < 3 * 1000 * 1000; ++i) {
        sent += static_cast<char>('a' + i % 23);
    }
    std::string got;
    size_t out = 0;
    std::vector<char> space(7001);
    REQUIRE(turn_until(meeting.loop, [&] {
        if (out < sent.size()) {
            iovec parts[3];  // small ones are gathered
            size_t at = out;
            int count = 0;
            for (const size_t size : {size_t{1}, size_t{500}, sent.size()}) {
                const size_t n = std::min(size, sent.size() - at);
                parts[count++] = {sent.data() + at, n};
                at += n;
            }
            out += from.write(parts, count).bytes;
        }
        for (Io io = to.read(space.data(), space.size()); io.state == Io::State::kDone;
             io = to.read(space.data(), space.size())) {
            got.append(space.data(), io.bytes);
        }
        return got.size() >= sent.size();
    }));
    CHECK((got == sent));
    CHECK_FALSE(to.has_buffered_input());
}
