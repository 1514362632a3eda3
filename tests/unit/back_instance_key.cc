#include <doctest/doctest.h>

#include <string>

#include "neurond/back/instance_set.h"

namespace neuron {

namespace {

constexpr uint16_t kForms = ClientCaps::kElicitationForm;

struct Row {
    Share share;
    Transport transport;
    bool modern;
    uint16_t caps;
    std::string key;
};

std::string key_text(const Row& row) {
    DownstreamSettings settings;
    settings.share = row.share;
    settings.transport = row.transport;
    ServerHello hello;
    hello.revision = row.modern ? Revision::k20260728 : Revision::k20251125;
    const InstanceKey key = InstanceKey::of(settings, &hello, "token", {"uid:1", "here"},
                                            ClientCaps{row.caps});
    CHECK(key.caps.bits == (row.key.empty() ? 0 : row.caps));
    return key.text;
}

}  // namespace

TEST_CASE("who has an instance of their own") {
    for (const Row& row : {
             // one child for everybody, whatever they declare
             Row{Share::kAll, Transport::kStdio, false, kForms, ""},
             Row{Share::kAll, Transport::kStdio, true, kForms, ""},
             // a modern server is told with each request
             Row{Share::kAll, Transport::kHttp, true, kForms, ""},
             // a legacy one once, so who declares the same shares, within an identity
             Row{Share::kAll, Transport::kHttp, false, 0, ""},
             Row{Share::kAll, Transport::kHttp, false, kForms, "caps 32 uid:1"},
             Row{Share::kAll, Transport::kSse, false, kForms, "caps 32 uid:1"},
             // each party
             Row{Share::kSession, Transport::kStdio, false, kForms, "party token"},
             Row{Share::kSession, Transport::kHttp, true, 0, "party token"},
         }) {
        CAPTURE(row.key);
        CHECK(key_text(row) == row.key);
    }
}

TEST_CASE("a server of unknown era counts as legacy") {
    DownstreamSettings settings;
    settings.transport = Transport::kHttp;
    const InstanceKey key =
        InstanceKey::of(settings, nullptr, "token", {"uid:1", ""}, ClientCaps{kForms});
    CHECK(key.text == "caps 32 uid:1");
}

TEST_CASE("no party can be taken for another kind of key") {
    CHECK(InstanceKey::of_party("") != "");
    CHECK(InstanceKey::of_party("caps 32 uid:1") != "caps 32 uid:1");
}

}  // namespace neuron
