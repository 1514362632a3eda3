// Everything of OpenSSL that is not TLS or certificates, behind a few functions of whole
// strings. Each call either succeeds or is a broken installation, which ends the process:
// a daemon that goes on without entropy or with a failed cipher would be lying.

#include "neurond/base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cassert>
#include <cstdlib>
#include <limits>

#include "neurond/base/encode.h"

namespace neuron {

namespace {

struct CipherFree {
    void operator()(EVP_CIPHER_CTX* context) const noexcept {
        EVP_CIPHER_CTX_free(context);
    }
};
using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

struct KeyFree {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

struct DigestFree {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using DigestPtr = std::unique_ptr<EVP_MD_CTX, DigestFree>;

void must(bool done) noexcept {
    if (!done) {
        std::abort();
    }
}

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) noexcept {
    return reinterpret_cast<unsigned char*>(text.data());
}

int int_size(size_t n) noexcept {
    assert(n <= static_cast<size_t>(std::numeric_limits<int>::max()));
    return static_cast<int>(n);
}

CipherPtr make_cipher(std::string_view key, std::string_view nonce, bool encrypt) {
    assert(key.size() == kAeadKeyBytes && nonce.size() == kAeadNonceBytes);
    CipherPtr cipher(EVP_CIPHER_CTX_new());
    must(cipher != nullptr &&
         EVP_CipherInit_ex2(cipher.get(), EVP_aes_256_gcm(), bytes_of(key),
                            bytes_of(nonce), encrypt ? 1 : 0, nullptr) == 1);
    return cipher;
}

KeyPtr private_key(std::string_view seed) {
    assert(seed.size() == kEd25519KeyBytes);
    KeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed),
                                            seed.size()));
    must(key != nullptr);
    return key;
}

void authenticate(EVP_CIPHER_CTX* cipher, std::string_view aad) noexcept {
    int n = 0;
    must(aad.empty() || EVP_CipherUpdate(cipher, nullptr, &n, bytes_of(aad),
                                         int_size(aad.size())) == 1);
}

/// GCM is a stream cipher: as many bytes come out as go in.
std::string transform(EVP_CIPHER_CTX* cipher, std::string_view in) {
    std::string out(in.size(), '\0');
    int n = 0;
    must(in.empty() || EVP_CipherUpdate(cipher, bytes_of(out), &n, bytes_of(in),
                                        int_size(in.size())) == 1);
    assert(static_cast<size_t>(n) == in.size());
    return out;
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    must(context_ != nullptr &&
         EVP_DigestInit_ex2(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(std::string_view bytes) {
    must(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
    std::string digest(kSha256Bytes, '\0');
    unsigned int n = 0;
    must(EVP_DigestFinal_ex(context_.get(), bytes_of(digest), &n) == 1 &&
         n == kSha256Bytes);
    must(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
    return digest;
}

std::string sha256(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

std::string sha1(std::string_view bytes) {
    std::string digest(20, '\0');
    size_t n = 0;
    must(EVP_Q_digest(nullptr, "SHA1", nullptr, bytes.data(), bytes.size(),
                      bytes_of(digest), &n) == 1 &&
         n == digest.size());
    return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
    std::string mac(kSha256Bytes, '\0');
    size_t n = 0;
    // An empty key is a key of zeros (RFC 2104), but the library takes no null pointer.
    const std::string_view some_key = key.empty() ? std::string_view("", 0) : key;
    must(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, some_key.data(),
                   some_key.size(), bytes_of(message), message.size(), bytes_of(mac),
                   mac.size(), &n) != nullptr &&
         n == kSha256Bytes);
    return mac;
}

std::string random_bytes(size_t n) {
    std::string out(n, '\0');
    must(RAND_bytes(bytes_of(out), int_size(n)) == 1);
    return out;
}

std::string aead_seal(std::string_view key, std::string_view plaintext,
                      std::string_view aad) {
    std::string sealed = random_bytes(kAeadNonceBytes);
    const CipherPtr cipher = make_cipher(key, sealed, true);
    authenticate(cipher.get(), aad);
    sealed += transform(cipher.get(), plaintext);
    std::string tag(kAeadTagBytes, '\0');
    int n = 0;
    must(EVP_CipherFinal_ex(cipher.get(), bytes_of(tag), &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG,
                             int_size(kAeadTagBytes), tag.data()) == 1);
    return sealed += tag;
}

std::optional<std::string> aead_open(std::string_view key, std::string_view sealed,
                                     std::string_view aad) {
    if (sealed.size() < kAeadNonceBytes + kAeadTagBytes) {
        return std::nullopt;
    }
    const CipherPtr cipher = make_cipher(key, sealed.substr(0, kAeadNonceBytes), false);
    sealed.remove_prefix(kAeadNonceBytes);
    std::string tag(sealed.substr(sealed.size() - kAeadTagBytes));
    sealed.remove_suffix(kAeadTagBytes);
    authenticate(cipher.get(), aad);
    std::string plaintext = transform(cipher.get(), sealed);
    must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG,
                             int_size(kAeadTagBytes), tag.data()) == 1);
    int n = 0;
    if (EVP_CipherFinal_ex(cipher.get(), bytes_of(tag), &n) != 1) {
        return std::nullopt;  // another key, another aad, or changed on the way
    }
    return plaintext;
}

std::string ed25519_public_key(std::string_view seed) {
    const KeyPtr key = private_key(seed);
    std::string out(kEd25519KeyBytes, '\0');
    size_t n = out.size();
    must(EVP_PKEY_get_raw_public_key(key.get(), bytes_of(out), &n) == 1 &&
         n == out.size());
    return out;
}

std::string ed25519_sign(std::string_view seed, std::string_view message) {
    const KeyPtr key = private_key(seed);
    const DigestPtr context(EVP_MD_CTX_new());
    std::string signature(kEd25519SignatureBytes, '\0');
    size_t n = signature.size();
    must(context != nullptr &&
         EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestSign(context.get(), bytes_of(signature), &n, bytes_of(message),
                        message.size()) == 1 &&
         n == signature.size());
    return signature;
}

bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature) {
    if (public_key.size() != kEd25519KeyBytes ||
        signature.size() != kEd25519SignatureBytes) {
        return false;
    }
    const KeyPtr key(EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, nullptr, bytes_of(public_key), public_key.size()));
    const DigestPtr context(EVP_MD_CTX_new());
    must(context != nullptr);
    return key != nullptr &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) ==
               1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                            bytes_of(message), message.size()) == 1;
}

bool constant_time_equals(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string uuid_v4() {
    std::string bytes = random_bytes(16);
    unsigned char* const raw = bytes_of(bytes);
    raw[6] = static_cast<unsigned char>((raw[6] & 0x0f) | 0x40);  // version 4
    raw[8] =
        static_cast<unsigned char>((raw[8] & 0x3f) | 0x80);  // the variant of the RFC
    std::string text = hex_encode(bytes);
    for (const size_t at : {8U, 13U, 18U, 23U}) {
        text.insert(at, 1, '-');
    }
    return text;
}

const char* openssl_version() noexcept {
    return OpenSSL_version(OPENSSL_VERSION);
}

}  // namespace neuron
