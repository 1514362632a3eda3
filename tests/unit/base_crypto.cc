#include <doctest/doctest.h>

#include <optional>
#include <set>
#include <string>

#include "exact.h"
#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"

using namespace neuron;

namespace {

std::string hex_sha256(std::string_view bytes) {
    return hex_encode(sha256(bytes));
}

std::string hex_hmac(std::string_view key, std::string_view message) {
    return hex_encode(hmac_sha256(key, message));
}

}  // namespace

TEST_CASE("SHA-256 gives the digests of FIPS 180") {
    CHECK(hex_sha256("") ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex_sha256("abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex_sha256(std::string(1000000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a digest in pieces is that of the whole, at every split") {
    const std::string text =
        "the quick brown fox jumps over the lazy dog, several times over";
    Sha256 hash;
    for (size_t n = 0; n <= text.size(); ++n) {
        hash.update(Exact(text.substr(0, n)).view());
        hash.update(Exact(text.substr(n)).view());
        CHECK(hash.finish() == sha256(text));  // and begins anew
    }
    CHECK(hash.finish() == sha256(""));
}

TEST_CASE("HMAC gives the values of RFC 4231") {
    CHECK(hex_hmac(std::string(20, '\x0b'), "Hi There") ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(hex_hmac("Jefe", "what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hex_hmac(std::string(131, '\xaa'),
                   "Test Using Larger Than Block-Size Key - Hash Key First") ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("HMAC takes an empty key and an empty message") {
    const char* const expected =
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    CHECK(hex_hmac("", "") == expected);
    CHECK(hex_hmac({}, {}) == expected);
}

TEST_CASE("random bytes are as many as asked for, and differ") {
    CHECK(random_bytes(0).empty());
    CHECK(random_bytes(33).size() == 33);
    CHECK(random_bytes(16) != random_bytes(16));
}

TEST_CASE("what is sealed can be opened with the same key and context only") {
    const std::string key = random_bytes(kAeadKeyBytes);
    for (const std::string_view plain :
         {"", "x", "a longer text of more than one block"}) {
        for (const std::string_view aad : {"", "context"}) {
            const std::string sealed = aead_seal(key, plain, aad);
            CHECK(sealed.size() == plain.size() + kAeadNonceBytes + kAeadTagBytes);
            CHECK(aead_open(key, Exact(sealed).view(), aad) == std::string(plain));
            CHECK_FALSE(aead_open(key, sealed, "other").has_value());
            CHECK_FALSE(
                aead_open(random_bytes(kAeadKeyBytes), sealed, aad).has_value());
        }
    }
}

TEST_CASE("any changed or missing byte of a sealed text is noticed") {
    const std::string key(kAeadKeyBytes, 'k');
    const std::string sealed = aead_seal(key, "session", "aad");
    for (size_t i = 0; i < sealed.size(); ++i) {
        std::string changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CHECK_FALSE(aead_open(key, changed, "aad").has_value());
        CHECK_FALSE(
            aead_open(key, Exact(sealed.substr(0, i)).view(), "aad").has_value());
    }
    CHECK_FALSE(aead_open(key, sealed + "x", "aad").has_value());
}

TEST_CASE("the same text is never sealed to the same bytes") {
    const std::string key(kAeadKeyBytes, 'k');
    CHECK(aead_seal(key, "same", "") != aead_seal(key, "same", ""));
}

TEST_CASE("a published vector of AES-256-GCM opens") {
    // Key, nonce and plaintext of zeros: test case 14 of the GCM specification.
    const std::string sealed =
        std::string(kAeadNonceBytes, '\0') +
        "\xce\xa7\x40\x3d\x4d\x60\x6b\x6e\x07\x4e\xc5\xd3\xba\xf3\x9d\x18"
        "\xd0\xd1\xc8\xa7\x99\x99\x6b\xf0\x26\x5b\x98\xb5\xd4\x8a\xb9\x19";
    CHECK(aead_open(std::string(kAeadKeyBytes, '\0'), sealed, "") ==
          std::string(16, '\0'));
}

TEST_CASE("secrets are compared as a whole") {
    CHECK(constant_time_equals("", ""));
    CHECK(constant_time_equals("token", "token"));
    CHECK_FALSE(constant_time_equals("token", "tokem"));
    CHECK_FALSE(constant_time_equals("token", "xoken"));
    CHECK_FALSE(constant_time_equals("token", "toke"));
    CHECK_FALSE(constant_time_equals("", "t"));
}

TEST_CASE("a UUID has the form, version and variant of RFC 9562, and is new") {
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
        const std::string uuid = uuid_v4();
        REQUIRE(uuid.size() == 36);
        for (size_t at = 0; at < uuid.size(); ++at) {
            const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
            const bool hex = std::string_view("0123456789abcdef").find(uuid[at]) !=
                             std::string_view::npos;
            REQUIRE((dash ? uuid[at] == '-' : hex));
        }
        CHECK(uuid[14] == '4');
        CHECK(std::string_view("89ab").find(uuid[19]) != std::string_view::npos);
        seen.insert(uuid);
    }
    CHECK(seen.size() == 200);
}

namespace {

std::string from_hex(std::string_view digits) {
    std::string out;
    for (size_t i = 0; i + 1 < digits.size(); i += 2) {
        out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    }
    return out;
}

}  // namespace

TEST_CASE("Ed25519 as RFC 8032, 7.1 has it") {
    const struct {
        const char* seed;
        const char* public_key;
        const char* message;
        const char* signature;
    } rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
         "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "r",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
         "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.seed));
        const std::string seed = from_hex(row.seed);
        const std::string public_key = from_hex(row.public_key);
        const std::string signature = from_hex(row.signature);
        CHECK(ed25519_public_key(seed) == public_key);
        CHECK(ed25519_sign(seed, row.message) == signature);
        CHECK(ed25519_verify(public_key, row.message, signature));
        CHECK_FALSE(ed25519_verify(public_key, std::string(row.message) + "x", signature));
        CHECK_FALSE(ed25519_verify(public_key, row.message, signature.substr(1)));
        CHECK_FALSE(ed25519_verify(public_key.substr(1), row.message, signature));
        CHECK_FALSE(ed25519_verify(signature.substr(0, 32), row.message, signature));
    }
}

TEST_CASE("SHA-1 is that of FIPS 180-4") {
    CHECK(hex_encode(sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(hex_encode(sha1("")) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}
