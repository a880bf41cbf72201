FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:20-bookworm-slim AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:20-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 CACHE_DIR=/data/cache DATA_DIR=/data/state
WORKDIR /app
COPY --from=production /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY bin ./bin
COPY playground ./playground
COPY package.json ./
RUN mkdir -p /data/cache /data/state && chown -R node:node /data
USER node
VOLUME /data
EXPOSE 4000
ENTRYPOINT ["node", "bin/cachewarden.js"]
CMD ["serve"]
