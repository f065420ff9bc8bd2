#include "tls_tickets.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/tls1.h>

#include <chatgate/base/mutex.h>
#include <chatgate/base/units.h>

namespace chatgate::net {
namespace {

using base::Clock;

constexpr std::chrono::hours kSealsFor{1};
constexpr std::size_t kNameBytes = 16;

struct TicketKey {
  std::array<unsigned char, kNameBytes> name{};
  std::array<unsigned char, 32> cipher{};
  std::array<unsigned char, 32> mac{};
  Clock::time_point made_at;  // {} = there is none.
};

bool fill(std::array<unsigned char, 32>& bytes) { return ::RAND_bytes(bytes.data(), 32) == 1; }

class TicketKeys {
 public:
  // The key to seal with, which may be a new one. False when there is none.
  bool sealing(TicketKey& key) {
    const base::MutexLock lock{mutex_};
    rotate();
    key = keys_[0];
    return key.made_at != Clock::time_point{};
  }

  // Which of the keys has this name: 0 is the one that seals, -1 none.
  int opening(const unsigned char* name, TicketKey& key) {
    const base::MutexLock lock{mutex_};
    rotate();
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const bool exists = keys_[i].made_at != Clock::time_point{};
      if (!exists || std::memcmp(keys_[i].name.data(), name, kNameBytes) != 0) continue;
      key = keys_[i];
      return static_cast<int>(i);
    }
    return -1;
  }

 private:
  void rotate() CHATGATE_REQUIRES(mutex_) {
    const auto now = Clock::now();
    auto& [present, previous] = keys_;
    if (present.made_at != Clock::time_point{} && now - present.made_at < kSealsFor) return;
    previous = now - present.made_at < 2 * kSealsFor ? present : TicketKey{};
    TicketKey next{.made_at = now};
    const bool is_random =
        ::RAND_bytes(next.name.data(), kNameBytes) == 1 && fill(next.cipher) && fill(next.mac);
    present = is_random ? next : TicketKey{};
  }

  base::Mutex mutex_;
  std::array<TicketKey, 2> keys_ CHATGATE_GUARDED_BY(mutex_);
};

TicketKeys& ticket_keys() {
  static TicketKeys keys;
  return keys;
}

bool set_mac(::EVP_MAC_CTX* mac, TicketKey& key) {
  std::array digest{'S', 'H', 'A', '2', '5', '6', '\0'};
  const std::array parameters{
      ::OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      ::OSSL_PARAM_construct_end()};
  return ::EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 = go on, 2 = and give a new ticket, 0 = a ticket that
// nobody can open, or none.
int on_ticket(::SSL* /*stream*/, unsigned char* name, unsigned char* iv, ::EVP_CIPHER_CTX* cipher,
              ::EVP_MAC_CTX* mac, int seals) {
  TicketKey key;
  if (seals == 1) {
    if (!ticket_keys().sealing(key) || ::RAND_bytes(iv, 16) != 1) return 0;
    std::copy(key.name.begin(), key.name.end(), name);
    const int ready =
        ::EVP_EncryptInit_ex2(cipher, ::EVP_aes_256_cbc(), key.cipher.data(), iv, nullptr);
    return ready == 1 && set_mac(mac, key) ? 1 : 0;
  }
  const int which = ticket_keys().opening(name, key);
  if (which < 0) return 0;
  const int ready =
      ::EVP_DecryptInit_ex2(cipher, ::EVP_aes_256_cbc(), key.cipher.data(), iv, nullptr);
  if (ready != 1 || !set_mac(mac, key)) return 0;
  return which == 0 ? 1 : 2;
}

}  // namespace

void use_tickets(ssl_ctx_st* context) {
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  ::SSL_CTX_set_timeout(context, std::chrono::seconds{kSealsFor}.count());
  ::SSL_CTX_set_num_tickets(context, 1);
}

}  // namespace chatgate::net
